Feature: Constructs together
  What happens where constructs meet.

  Scenario: Events between branches, all with correlation
    Given a workflow doing:
    """yaml
    do:
      - both:
          fork:
            branches:
              - hear:
                  listen:
                    to:
                      all:
                        - { with: { type: com.a }, correlate: { id: { from: .data.id } } }
                        - { with: { type: com.b }, correlate: { id: { from: .data.id } } }
              - say:
                  do:
                    - p: { wait: { milliseconds: 10 } }
                    - a: { emit: { event: { with: { source: https://s.com, type: com.a, data: { id: 1 } } } } }
                    - wrong: { emit: { event: { with: { source: https://s.com, type: com.b, data: { id: 2 } } } } }
                    - b: { emit: { event: { with: { source: https://s.com, type: com.b, data: { id: 1 } } } } }
          output: { as: '.[0] | map(.id)' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ 1, 1 ]
    """

  Scenario: Events between branches, any until an event, foreach
    Given a workflow doing:
    """yaml
    do:
      - both:
          fork:
            branches:
              - hear:
                  listen: { to: { any: [ { with: { type: com.a } } ], until: { one: { with: { type: com.stop } } } } }
                  foreach:
                    item: e
                    do: [ { d: { set: { n: '${ $e.n * 2 }' } } } ]
              - say:
                  do:
                    - l: { for: { each: i, in: '[1,2,3]' }, do: [ { a: { emit: { event: { with: { source: https://s.com, type: com.a, data: { n: '${ $i }' } } } } } } ] }
                    - z: { emit: { event: { with: { source: https://s.com, type: com.stop } } } }
          output: { as: '.[0] | map(.n)' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ 2, 4, 6 ]
    """

  Scenario: Then end in a branch ends the workflow with that output
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - a: { do: [ { x: { set: { v: 1 }, then: end } } ] }
              - b: { wait: PT1H }
      - z: { set: { never: 1 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    v: 1
    """
    And z should not run

  Scenario: Then of a branch to another branch is refused
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - a: { set: { v: 1 }, then: b }
              - b: { set: { v: 2 } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1022'

  Scenario: Functions have their own input, export, timeout and if
    Given a workflow doing:
    """yaml
    use:
      functions:
        f:
          if: .go
          set: { r: '${ .n }' }
          export: { as: '$context + { f: .r }' }
    do:
      - a: { call: f, with: { go: true, n: 1 } }
      - b: { call: f, with: { go: false, n: 2 } }
      - z: { set: { b: '${ . }', c: '${ $context }' } }
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: A call of a function has if, input, output, export, then
    Given a workflow doing:
    """yaml
    use: { functions: { f: { set: { r: '${ .n }' } } } }
    do:
      - a: { if: .x == 1, input: { from: '{ y: .x }' }, call: f, with: { n: '${ .y + 1 }' }, output: { as: .r }, export: { as: '{ k: . }' }, then: c }
      - b: { set: { never: 1 } }
      - c: { set: { c: '${ $context.k }', i: '${ . }' } }
    """
    And the workflow input is:
    """yaml
    x: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    c: 2
    i: 2
    """

  Scenario: A function without with gets the task's input
    Given a workflow doing:
    """yaml
    use: { functions: { f: { set: { r: '${ .n }' } } } }
    do:
      - a: { call: f }
    """
    And the workflow input is:
    """yaml
    n: 7
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: Two extensions nest, before in order, after in reverse
    Given a workflow doing:
    """yaml
    use:
      extensions:
        - one:
            extend: wait
            before: [ { b1: { set: '${ . }', export: { as: '{ o: (($context.o // []) + ["b1"]) }' } } } ]
            after: [ { a1: { set: '${ . }', export: { as: '{ o: (($context.o // []) + ["a1"]) }' } } } ]
        - two:
            extend: wait
            before: [ { b2: { set: '${ . }', export: { as: '{ o: (($context.o // []) + ["b2"]) }' } } } ]
            after: [ { a2: { set: '${ . }', export: { as: '{ o: (($context.o // []) + ["a2"]) }' } } } ]
    do:
      - w: { wait: PT0S }
      - z: { set: '${ $context.o }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ b1, b2, a2, a1 ]
    """

  Scenario: An extension reads the task it surrounds
    Given a workflow doing:
    """yaml
    use:
      extensions:
        - log:
            extend: set
            before: [ { b: { set: { x: '${ $task.reference + " " + $task.name }' }, export: { as: '$context + { b: .x }' } } } ]
            after: [ { a: { set: { x: '${ $task.output.n }' }, export: { as: '$context + { a: .x }' } } } ]
    do:
      - s: { set: { n: 5 } }
    output: { as: '{ n: .n, b: $context.b, a: $context.a }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 5
    b: s s
    a: 5
    """

  Scenario: The mock extension of the reference page
    Given a workflow doing:
    """yaml
    use:
      extensions:
        - mockService:
            extend: call
            when: $task.call == "http" and ($task.with.uri != null and ($task.with.uri | startswith("https://mocked.service.com"))) or ($task.with.endpoint.uri != null and ($task.with.endpoint.uri | startswith("https://mocked.service.com")))
            before:
              - intercept:
                  set:
                    statusCode: 200
                    content: { foo: { bar: baz } }
                  then: exit
    do:
      - sampleTask:
          call: http
          with:
            method: get
            endpoint: { uri: https://mocked.service.com/x }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    statusCode: 200
    content: { foo: { bar: baz } }
    """

  Scenario: A fault in an extension is the task's
    Given a workflow doing:
    """yaml
    use:
      extensions:
        - check: { extend: set, before: [ { c: { raise: { error: { type: https://e.com/x, status: 403 } } } } ] }
    do:
      - t: { try: [ { s: { set: { n: 5 } } } ], catch: { errors: { with: { status: 403 } }, do: [ { h: { wait: PT0S } } ] } }
    """
    When the workflow is executed
    Then the workflow should complete
    And s should not run

  Scenario: A sub-workflow has a context of its own
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { n: 1 }, export: { as: '{ mine: 1 }' } }
      - r: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: '${ { n: .n } }' } } }
      - z: { set: { c: '${ $context }', child: '${ .c }', n: '${ .n }' } }
    """
    And another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
    do: [ { a: { set: { c: '${ $context }', n: '${ .n }' }, export: { as: '{ theirs: 1 }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    c: { mine: 1 }
    child: {}
    n: 1
    """

  Scenario: A child is cancelled with its parent
    Given a workflow doing:
    """yaml
    do:
      - r: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: {} } } }
    """
    And another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
    do: [ { a: { wait: PT1H } } ]
    """
    When the workflow is started
    And 1 second passes
    And the workflow is cancelled
    And time passes
    Then the workflow should cancel
    And there should be 1 cancelled runs of 'child'

  Scenario: A timeout at the run task stops the child
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { r: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0' } }, timeout: { after: PT5S } } } ]
          catch: { errors: { with: { status: 408 } }, do: [ { h: { set: { late: 1 } } } ] }
    """
    And another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
    do: [ { a: { wait: PT1H } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    late: 1
    """
    And there should be 0 completed runs of 'child'

  Scenario: Lifecycle events of a workflow and its tasks
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { n: 1 } }
      - t: { try: [ { f: { raise: { error: { type: https://e.com/x, status: 400 } } } } ], catch: {} }
    """
    When the workflow is executed
    Then the lifecycle of the workflow should be: started, completed
    And the lifecycle of a should be: created, started, completed
    And the lifecycle of f should be: created, started, faulted
    And the lifecycle of t should be: created, started, completed

  Scenario: Lifecycle of retries and cancellation
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { f: { raise: { error: { type: https://e.com/x, status: 400 } } } } ]
          catch: { retry: { limit: { attempt: { count: 1 } } }, do: [ { w: { wait: PT1H } } ] }
    """
    When the workflow is started
    And 10 seconds pass
    And the workflow is cancelled
    Then the lifecycle of t should be: created, started, retried, cancelled
    And the lifecycle of w should be: created, started, cancelled
    And the phases of w should be: waiting, cancelled

  Scenario: Http redirect false raises, true accepts
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { a: { call: http, with: { method: get, endpoint: https://httpbin.org/status/302 } } } ]
          catch: { errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/communication } }, do: [ { h: { set: { s: '${ $error.status }' } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: $input in a nested task is the nested task's own input
    Given a workflow doing:
    """yaml
    do:
      - o:
          input: { from: '{ a: 1 }' }
          do:
            - i: { input: { from: '{ b: .a }' }, set: { i: '${ $input }', raw: '${ $task.input }' } }
          output: { as: '{ inner: ., outer: $input }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    inner: { i: { b: 1 }, raw: { a: 1 } }
    outer: { a: 1 }
    """

  Scenario: Export in the tasks of a for accumulates
    Given a workflow doing:
    """yaml
    do:
      - l:
          for: { each: x, in: '[ "a", "b", "c" ]', at: i }
          do:
            - s: { set: { v: '${ $x }' }, export: { as: '$context + { list: (($context.list // []) + [ .v ]) }' } }
      - z: { set: '${ $context.list }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ a, b, c ]
    """

  Scenario: Export in a try that faults, the handlers see the context
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - s: { set: { v: 1 }, export: { as: '{ v: .v }' } }
            - r: { raise: { error: { type: https://e.com/x, status: 400 } } }
          catch: { do: [ { h: { set: { c: '${ $context.v }' } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    c: 1
    """

  Scenario: While sees the item and the index
    Given a workflow doing:
    """yaml
    do:
      - l:
          for: { each: x, in: '[ 1, 2, 3, 4 ]', at: i }
          while: $x < 3 and $i < 10
          do:
            - s: { set: { sum: '${ (.sum // 0) + $x }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    sum: 3
    """

  Scenario: A task timeout does not run out while the task is skipped
    Given a workflow doing:
    """yaml
    do:
      - a: { if: 'false', wait: PT1H, timeout: { after: PT1S } }
      - b: { wait: PT5S }
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 5 seconds

  Scenario: Wait in a fork runs side by side
    Given a workflow doing:
    """yaml
    do:
      - f: { fork: { branches: [ { a: { wait: PT3S } }, { b: { wait: PT5S } } ] } }
    """
    When the workflow is executed
    Then the workflow should take 5 seconds

  Scenario Outline: Schemas as JSON Schema 2020-12
    Given a workflow doing:
    """yaml
    do:
      - a:
          input: { schema: { format: json, document: <schema> } }
          set: { ok: true }
    """
    And the workflow input is:
    """yaml
    { n: 5, s: text, l: [ 1, 2 ] }
    """
    When the workflow is executed
    Then the workflow should <end>
    Examples:
      | schema | end |
      | { type: object, properties: { n: { type: integer, minimum: 5 } } } | complete |
      | { type: object, properties: { n: { type: integer, minimum: 6 } } } | fault |
      | { required: [ n, s ] } | complete |
      | { required: [ x ] } | fault |
      | { properties: { s: { enum: [ text, other ] } } } | complete |
      | { properties: { s: { const: other } } } | fault |
      | { properties: { s: { pattern: '^te' } } } | complete |
      | { properties: { l: { type: array, items: { type: integer }, maxItems: 2 } } } | complete |
      | { properties: { l: { uniqueItems: true, minItems: 3 } } } | fault |
      | { additionalProperties: false, properties: { n: {} } } | fault |
      | { oneOf: [ { required: [ n ] }, { required: [ x ] } ] } | complete |
      | { $defs: { p: { type: integer } }, properties: { n: { $ref: '#/$defs/p' } } } | complete |
      | true | complete |
      | false | fault |
      | {} | complete |
