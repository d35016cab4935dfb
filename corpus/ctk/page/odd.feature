Feature: Odd but valid
  Documents that nobody would write first, and everybody may.

  Scenario: A document in JSON
    Given a workflow with definition:
    """json
    { "document": { "dsl": "1.0.3", "namespace": "default", "name": "json", "version": "1.0.0" }, "do": [ { "a": { "set": { "b": "${ .c }" } } } ] }
    """
    And given the workflow input is:
    """json
    { "c": [ 1, { "d": null } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """json
    { "b": [ 1, { "d": null } ] }
    """

  Scenario: Dsl 1.0.0 and 1.0.1 and pre-release versions
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.0', namespace: a-b, name: C1, version: '1.0.0-alpha.1+build.5' }
    do: [ { a: { set: { b: 1 } } } ]
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: Unquoted versions that are text
    Given a workflow with definition:
    """yaml
    document: { dsl: 1.0.3, namespace: examples, name: x, version: 1.0.0 }
    do: [ { a: { set: { b: 1 } } } ]
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: Anchors and aliases within a document
    Given a workflow doing:
    """yaml
    do:
      - a: &shape { set: { b: 1 } }
      - c: *shape
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    b: 1
    """

  Scenario: Keys that need quotes
    Given a workflow doing:
    """yaml
    do:
      - 'a b': { set: { 'x y': 1, 'x.y': 2, '': 3 } }
      - "c:d": { set: { s: '${ .["x y"] + .["x.y"] }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    s: 3
    """
    And 'a b' should complete

  Scenario: Metadata anywhere is free
    Given a workflow with definition:
    """yaml
    document:
      dsl: '1.0.3'
      namespace: ctk
      name: meta
      version: '1.0.0'
      title: T
      summary: |
        # Text
      tags: { a: 1, b: [ x ] }
      metadata: { any: { thing: [ 1, 2 ] } }
    do:
      - a: { metadata: { team: x, n: [ 1 ] }, set: { b: 1 } }
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: Set with nested lists, nulls and booleans, expressions deep inside
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { l: [ [ 1, '${ .n }' ], { m: '${ .n + 1 }' } ], z: null, t: true, f: '${ not }', e: [], o: {} } }
    """
    And the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    l: [ [ 1, 1 ], { m: 2 } ]
    z: null
    t: true
    f: false
    e: []
    o: {}
    """

  Scenario: An expression with braces, quotes and a string that ends in a brace
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { x: '${ { a: { b: "}" } } }', y: "${ \"${ no }\" }", z: '${ "a\"b\\c" }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    x: { a: { b: '}' } }
    y: '${ no }'
    z: 'a"b\c'
    """

  Scenario: Spaces around an expression
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { x: '  ${  .n  }  ', y: '${.n}' } }
    """
    And the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    x: 1
    y: 1
    """

  Scenario: An input of null, a number, a text
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { t: '${ type }' } }
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: Listen in a for, one event per item
    Given a workflow doing:
    """yaml
    do:
      - checkup:
          for: { each: pet, in: .pets, at: index }
          while: .vet != null
          do:
            - waitForCheckup:
                listen: { to: { one: { with: { type: done } } } }
                output: { as: '{ vet: $input.vet, pets: (($input.seen // []) + [{ "id": $pet.id }]) }' }
    """
    And the workflow input is:
    """yaml
    vet: v
    pets: [ { id: 1 }, { id: 2 } ]
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: done, source: https://x.com }
    """
    And the event is sent:
    """yaml
    { type: done, source: https://x.com }
    """
    Then the workflow should complete with output:
    """yaml
    vet: v
    pets: [ { id: 2 } ]
    """

  Scenario: Try in a fork in a for in a do
    Given a workflow doing:
    """yaml
    do:
      - d:
          do:
            - l:
                for: { each: x, in: '[ 1, 2 ]' }
                do:
                  - f:
                      fork:
                        branches:
                          - t:
                              try: [ { r: { raise: { error: { type: https://e.com/x, status: 400, detail: '${ "no \($x)" }' } } } } ]
                              catch: { do: [ { h: { set: { d: '${ $error.detail }', i: '${ $error.instance }' } } } ] }
                          - s: { set: { n: '${ $x }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    - { d: no 2, i: /do/0/d/do/0/l/do/0/f/fork/branches/0/t/try/0/r }
    - { n: 2 }
    """

  Scenario: A catch variable in a nested catch shadows the outer
    Given a workflow doing:
    """yaml
    do:
      - o:
          try: [ { a: { raise: { error: { type: https://e.com/a, status: 400 } } } } ]
          catch:
            as: e
            do:
              - i:
                  try: [ { b: { raise: { error: { type: https://e.com/b, status: 401 } } } } ]
                  catch: { as: f, do: [ { h: { set: { s: '${ [ $e.status, $f.status ] }' } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    s: [ 400, 401 ]
    """

  Scenario: Switch in a catch, then within the handlers
    Given a workflow doing:
    """yaml
    do:
      - o:
          try: [ { a: { raise: { error: { type: https://e.com/a, status: 404 } } } } ]
          catch:
            do:
              - s: { switch: [ { nf: { when: $error.status == 404, then: missing } }, { x: { then: other } } ] }
              - other: { set: { r: other }, then: exit }
              - missing: { set: { r: missing } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: missing
    """

  Scenario: Raise with a status outside 400 to 599
    Given a workflow doing:
    """yaml
    do:
      - r: { raise: { error: { type: https://e.com/x, status: 200 } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    status: 200
    """

  Scenario: Raise with every member computed
    Given a workflow doing:
    """yaml
    do:
      - r: { raise: { error: { type: '${ "https://e.com/" + .k }', status: 400, title: '${ .t }', detail: plain, instance: '${ "/x/" + .k }' } } }
    """
    And the workflow input is:
    """yaml
    { k: kk, t: tt }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://e.com/kk
    title: tt
    detail: plain
    """

  Scenario: Timeouts nest, the inner fires first and can be caught
    Given a workflow doing:
    """yaml
    timeout: { after: PT1H }
    do:
      - t:
          timeout: { after: PT10M }
          try: [ { w: { wait: P1D, timeout: { after: PT1M } } } ]
          catch: { errors: { with: { status: 408 } }, do: [ { h: { set: { i: '${ $error.instance }' } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    i: /do/0/t/try/0/w
    """

  Scenario: The same event type for two branches that listen
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - a: { listen: { to: { one: { with: { type: t } } } } }
              - b: { listen: { to: { one: { with: { type: t } } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: t, source: https://x.com, data: 1 }
    """
    Then the workflow should complete with output:
    """yaml
    [ [ 1 ], [ 1 ] ]
    """

  Scenario: Jq that people write
    Given a workflow doing:
    """yaml
    do:
      - a:
          set:
            sel: '${ [ .items[] | select(.price > 2) | .name ] }'
            grp: '${ .items | group_by(.kind) | map({ key: .[0].kind, value: length }) | from_entries }'
            srt: '${ .items | sort_by(.price) | reverse | first | .name }'
            red: '${ reduce .items[] as $i (0; . + $i.price) }'
            alt: '${ .missing.deep.er // "none" }'
            opt: '${ [ .items[].nope? ] | length }'
            str: '${ .items | map("\(.name)=\(.price)") | join(", ") }'
            tst: '${ "abc" | test("^a.c$") }'
            cap: '${ "2026-01-02" | capture("(?<y>[0-9]+)-(?<m>[0-9]+)") }'
            dat: '${ "2026-01-02T00:00:00Z" | fromdateiso8601 }'
            any: '${ any(.items[]; .price == 1) }'
            flt: '${ [ 1, [ 2, [ 3 ] ] ] | flatten }'
            uni: '${ [ 3, 1, 3 ] | unique }'
            ent: '${ { a: 1 } | with_entries(.value += 1) }'
            ife: '${ if .n > 1 then "big" elif .n == 1 then "one" else "small" end }'
            try: '${ try error("x") catch . }'
            fun: '${ def twice($x): $x * 2; .n | twice(. + 1) }'
            lbl: '${ [ limit(2; .items[]) ] | length }'
            pth: '${ [ paths ] | length > 3 }'
            upd: '${ .items[0].price |= . + 1 | .items[0].price }'
            del: '${ del(.items) | keys }'
            has: '${ has("n") and (.n | tostring == "1") }'
            spl: '${ "a,b" | split(",") }'
            asc: '${ "aB" | ascii_downcase }'
            inf: '${ [ 1, 2 ] | index(2) }'
            ranges: '${ [ range(0; 6; 2) ] }'
            b64: '${ "hi" | @base64 }'
            fj: '${ "[1,2]" | fromjson | add }'
            tj: '${ { a: [ 1 ] } | tojson }'
    """
    And the workflow input is:
    """yaml
    n: 1
    items: [ { name: a, price: 1, kind: x }, { name: b, price: 3, kind: y }, { name: c, price: 5, kind: x } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    sel: [ b, c ]
    grp: { x: 2, y: 1 }
    srt: c
    red: 9
    alt: none
    opt: 3
    str: a=1, b=3, c=5
    tst: true
    cap: { y: '2026', m: '01' }
    dat: 1767312000
    any: true
    flt: [ 1, 2, 3 ]
    uni: [ 1, 3 ]
    ent: { a: 2 }
    ife: one
    try: x
    fun: 4
    lbl: 2
    pth: true
    upd: 2
    del: [ n ]
    has: true
    spl: [ a, b ]
    asc: ab
    inf: 1
    ranges: [ 0, 2, 4 ]
    b64: aGk=
    fj: 3
    tj: '{"a":[1]}'
    """

  Scenario Outline: Gherkin as other kits write it
    Given a workflow with definition:
    ```yaml
    document:
      dsl: '1.0.3'
      namespace: default
      name: outline
      version: '1.0.0'
    do:
      - pick:
          set:
            v: <v>
    ```
    When the workflow is executed
    Then the workflow should complete
    * the workflow output should have a 'v' property with value:
    """yaml
    <v>
    """
    But pick should complete
    Examples:
      | v     |
      | 1     |
      | text  |
      | [ 1 ] |
