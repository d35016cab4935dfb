Feature: Events
  Every member of `emit` and `listen`, in every spelling.

  Scenario: Emit and listen inside one workflow
    Given a workflow doing:
    """yaml
    do:
      - both:
          fork:
            branches:
              - hear: { listen: { to: { one: { with: { type: com.acme.said } } } } }
              - say:
                  do:
                    - pause: { wait: { seconds: 1 } }
                    - tell: { emit: { event: { with: { source: https://acme.com/x, type: com.acme.said, data: { n: 1 } } } } }
          output: { as: '.[0]' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ { n: 1 } ]
    """

  Scenario: Emit with every attribute
    Given a workflow doing:
    """yaml
    do:
      - tell:
          emit:
            event:
              with:
                id: '${ "id-\(.n)" }'
                source: https://acme.com/{who}/of/{n}?x={none}
                type: com.acme.said
                subject: '${ .who }'
                time: '2026-01-01T00:00:00Z'
                datacontenttype: application/json
                dataschema: https://acme.com/schema
                custom: '${ .who }'
                data: { deep: { n: '${ .n }' }, list: [ '${ .who }' ] }
    """
    And the workflow input is:
    """yaml
    n: 3
    who: ann
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have properties 'id', 'source', 'type', 'specversion', 'time', 'subject', 'datacontenttype', 'dataschema', 'data', 'custom'
    And the emitted event should have a 'id' property with value:
    """yaml
    id-3
    """
    And the emitted event should have a 'data' property with value:
    """yaml
    deep: { n: 3 }
    list: [ ann ]
    """
    And the emitted event should have a 'subject' property with value:
    """yaml
    ann
    """
    And the emitted event should have a 'source' property with value:
    """yaml
    https://acme.com/ann/of/3?x=
    """

  Scenario: Emit without a source generates one
    Given a workflow doing:
    """yaml
    do:
      - tell: { emit: { event: { with: { type: com.acme.said } } } }
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have properties 'id', 'source', 'type', 'specversion', 'time'

  Scenario: Emit with data as text, number, list, expression
    Given a workflow doing:
    """yaml
    do:
      - a: { emit: { event: { with: { type: t.a, data: text } } } , output: { as: .data }, export: { as: '[ . ]' } }
      - b: { emit: { event: { with: { type: t.b, data: 5 } } } , output: { as: .data }, export: { as: '$context + [ . ]' } }
      - c: { emit: { event: { with: { type: t.c, data: [ 1, '${ 1 + 1 }' ] } } } , output: { as: .data }, export: { as: '$context + [ . ]' } }
      - d: { emit: { event: { with: { type: t.d, data: '${ { x: 1 } }' } } } , output: { as: .data }, export: { as: '$context + [ . ]' } }
      - z: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ text, 5, [ 1, 2 ], { x: 1 } ]
    """

  Scenario: Emit where type is an expression
    Given a workflow doing:
    """yaml
    do:
      - a: { emit: { event: { with: { type: '${ "com.acme." + .kind }', source: '${ "https://acme.com/" + .kind }' } } } , output: { as: '[ .type, .source ]' } }
    """
    And the workflow input is:
    """yaml
    kind: k
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ com.acme.k, https://acme.com/k ]
    """

  Scenario: Listen one, data by default
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { one: { with: { type: a.b } } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a.b, source: https://x.com/1, data: { n: 1 } }
    """
    Then the workflow should complete with output:
    """yaml
    [ { n: 1 } ]
    """

  Scenario: Listen read envelope and raw
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { one: { with: { type: a.b } } }, read: envelope } , output: { as: '.[0] | { type, source, id, data }' }, export: { as: '{ e: . }' } }
      - m: { listen: { to: { one: { with: { type: a.c } } }, read: raw } , output: { as: '[ $context.e, .[0] ]' } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { id: e1, type: a.b, source: https://x.com/1, data: { n: 1 } }
    """
    And the event is sent:
    """yaml
    { id: e2, type: a.c, source: https://x.com/1, data: { n: 2 } }
    """
    Then the workflow should complete
    And the workflow output should have a '0' property with value:
    """yaml
    { id: e1, type: a.b, source: https://x.com/1, data: { n: 1 } }
    """

  Scenario: Listen all takes one of each, in the order they came
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { all: [ { with: { type: a } }, { with: { type: b } } ] } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: b, source: https://x.com/1, data: 2 }
    """
    Then the workflow should wait
    When the event is sent:
    """yaml
    { type: b, source: https://x.com/1, data: 3 }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 1 }
    """
    Then the workflow should complete with output:
    """yaml
    [ 2, 1 ]
    """

  Scenario: Listen any of two
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { any: [ { with: { type: a } }, { with: { type: b } } ] } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: b, source: https://x.com/1, data: 2 }
    """
    Then the workflow should complete with output:
    """yaml
    [ 2 ]
    """

  Scenario: Listen any with no filter takes any event
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { any: [] } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: whatever, source: https://x.com/1, data: 2 }
    """
    Then the workflow should complete with output:
    """yaml
    [ 2 ]
    """

  Scenario: Listen any until a condition over context, filled by foreach
    Given a workflow doing:
    """yaml
    do:
      - l:
          listen: { to: { any: [ { with: { type: a } } ], until: '($context.got // []) | length >= 2' } }
          foreach:
            item: e
            at: i
            do:
              - keep: { set: { n: '${ $e.n }', i: '${ $i }' }, export: { as: '{ got: (($context.got // []) + [ .n ]) }' } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { n: 1 } }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { n: 2 } }
    """
    Then the workflow should complete
    And the context should be:
    """yaml
    got: [ 1, 2 ]
    """

  Scenario: Until an event, which is not part of the output
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { any: [ { with: { type: a } } ], until: { one: { with: { type: stop } } } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 1 }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 2 }
    """
    And the event is sent:
    """yaml
    { type: stop, source: https://x.com/1, data: 9 }
    """
    Then the workflow should complete with output:
    """yaml
    [ 1, 2 ]
    """

  Scenario: Until all of several events
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { any: [ { with: { type: a } } ], until: { all: [ { with: { type: s1 } }, { with: { type: s2 } } ] } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: s1, source: https://x.com/1 }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 2 }
    """
    Then the workflow should wait
    When the event is sent:
    """yaml
    { type: s2, source: https://x.com/1 }
    """
    Then the workflow should complete with output:
    """yaml
    [ 2 ]
    """

  Scenario: Until any of several events
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { any: [ { with: { type: a } } ], until: { any: [ { with: { type: s1 } }, { with: { type: s2 } } ] } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: s2, source: https://x.com/1 }
    """
    Then the workflow should complete with output:
    """yaml
    []
    """

  Scenario: Foreach output.as shapes each item
    Given a workflow doing:
    """yaml
    do:
      - l:
          listen: { to: { all: [ { with: { type: a } }, { with: { type: b } } ] } }
          foreach:
            output: { as: '. * 10' }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 1 }
    """
    And the event is sent:
    """yaml
    { type: b, source: https://x.com/1, data: 2 }
    """
    Then the workflow should complete with output:
    """yaml
    [ 10, 20 ]
    """

  Scenario: A filter with an expression over data
    Given a workflow doing:
    """yaml
    do:
      - l:
          listen:
            to:
              any:
                - with: { type: temperature, data: '${ .celsius > 38 }' }
                - with: { type: bpm, data: '${ .bpm < 60 or .bpm > 100 }' }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: temperature, source: https://x.com/1, data: { celsius: 37 } }
    """
    Then the workflow should wait
    When the event is sent:
    """yaml
    { type: bpm, source: https://x.com/1, data: { bpm: 120 } }
    """
    Then the workflow should complete with output:
    """yaml
    [ { bpm: 120 } ]
    """

  Scenario: Filters by source, subject and extension attributes
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { one: { with: { type: a, source: https://x.com/right, subject: s, tenantx: t1 } } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/wrong, subject: s, tenantx: t1, data: 1 }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/right, subject: s, data: 2 }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/right, subject: s, tenantx: t1, data: 3 }
    """
    Then the workflow should complete with output:
    """yaml
    [ 3 ]
    """

  Scenario: A filter attribute as regular expression
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { one: { with: { type: 'com\.acme\.order\..*' } } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: com.acme.order.placed, source: https://x.com/1, data: 3 }
    """
    Then the workflow should complete with output:
    """yaml
    [ 3 ]
    """

  Scenario: Correlate with expect
    Given a workflow doing:
    """yaml
    do:
      - l:
          listen:
            to:
              one:
                with: { type: a }
                correlate:
                  order: { from: .data.orderId, expect: '${ .id }' }
    """
    And the workflow input is:
    """yaml
    id: o-2
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { orderId: o-1 } }
    """
    Then the workflow should wait
    When the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { orderId: o-2 } }
    """
    Then the workflow should complete with output:
    """yaml
    [ { orderId: o-2 } ]
    """

  Scenario: Correlate without expect, the first value extracted binds the others
    Given a workflow doing:
    """yaml
    do:
      - l:
          listen:
            to:
              all:
                - { with: { type: a }, correlate: { order: { from: .data.o } } }
                - { with: { type: b }, correlate: { order: { from: '${ .data.o }' } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { o: 1 } }
    """
    And the event is sent:
    """yaml
    { type: b, source: https://x.com/1, data: { o: 2 } }
    """
    Then the workflow should wait
    When the event is sent:
    """yaml
    { type: b, source: https://x.com/1, data: { o: 1 } }
    """
    Then the workflow should complete with output:
    """yaml
    [ { o: 1 }, { o: 1 } ]
    """

  Scenario: Correlate with a constant
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { one: { with: { type: a }, correlate: { k: { from: .data.k, expect: yes } } } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { k: no } }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { k: yes } }
    """
    Then the workflow should complete with output:
    """yaml
    [ { k: yes } ]
    """

  Scenario: An event before its listen stays visible, oldest first, once
    Given a workflow doing:
    """yaml
    do:
      - w: { wait: { minutes: 5 } }
      - l: { listen: { to: { one: { with: { type: a } } } }, export: { as: '{ first: .[0] }' } }
      - m: { listen: { to: { one: { with: { type: a } } } }, output: { as: '[ $context.first, .[0] ]' } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 1 }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 2 }
    """
    And time passes
    Then the workflow should complete with output:
    """yaml
    [ 1, 2 ]
    """

  Scenario: An event of before the orchestration existed is not taken
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { one: { with: { type: a } } } } }
    """
    When the workflow is published
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 1 }
    """
    And 1 second passes
    And the workflow is started
    Then the workflow should wait

  Scenario: An unmatched event is gone after unmatchedMs
    Given a workflow doing:
    """yaml
    do:
      - w: { wait: { hours: 25 } }
      - l: { listen: { to: { one: { with: { type: a } } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 1 }
    """
    And time passes
    Then the workflow should wait

  Scenario: The same event again is taken once; another content is a conflict
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { one: { with: { type: a } } } } }
      - m: { listen: { to: { one: { with: { type: a } } } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { id: one, type: a, source: https://x.com/1, data: 1 }
    """
    And the event is sent:
    """yaml
    { id: one, type: a, source: https://x.com/1, data: 1 }
    """
    Then the workflow should wait
    When the event is sent:
    """yaml
    { id: one, type: a, source: https://x.com/1, data: 2 }
    """
    Then it should be refused with 'event-conflict'

  Scenario: Listen with a task timeout raises timeout
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - l: { listen: { to: { one: { with: { type: a } } } }, timeout: { after: PT1M } }
          catch:
            errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout, status: 408 } }
            do: [ { h: { set: { late: true } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    late: true
    """
    And the workflow should take 1 minutes

  Scenario: Until that does not hold waits on
    Given a workflow doing:
    """yaml
    do:
      - l: { listen: { to: { any: [ { with: { type: a } } ], until: '${ . == 2 }' } } }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: 1 }
    """
    Then the workflow should wait

  Scenario: Foreach with do, at, item, export and end of the workflow
    Given a workflow doing:
    """yaml
    do:
      - l:
          listen: { to: { any: [ { with: { type: a } } ], until: '${ ($context.n // 0) >= 2 }' }, read: envelope }
          foreach:
            do:
              - one: { set: { v: '${ $item.data.v * 2 }', i: '${ $index }' } }
            output: { as: '[ .v, .i ]' }
            export: { as: '{ n: (($context.n // 0) + 1) }' }
    """
    When the workflow is started
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { v: 1 } }
    """
    And the event is sent:
    """yaml
    { type: a, source: https://x.com/1, data: { v: 2 } }
    """
    Then the workflow should complete with output:
    """yaml
    [ [ 2, 0 ], [ 4, 1 ] ]
    """
