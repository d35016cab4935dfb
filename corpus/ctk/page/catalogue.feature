Feature: The catalogue and the rulings once more
  Other words for what the rulings say.

  Scenario: A retry runs the whole list; finished actions answer from the journal
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - p: { call: act, with: { action: put, arguments: { n: 1 } } }
            - r: { call: act, with: { action: read, arguments: { n: 1 } } }
            - q: { call: act, with: { action: pay, arguments: { n: '${ .id }' } } }
          catch:
            errors: { with: { status: 500 } }
            retry: { delay: PT1S, limit: { attempt: { count: 1 } } }
    """
    And 'put' answers:
    """
    done { "id": 1 }
    """
    And 'read' answers:
    """
    done { "id": 2 }
    """
    And 'pay' answers:
    """
    failed 500
    done { "ok": true }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    ok: true
    """
    And 'put' should be called once
    And 'read' should be called once
    And 'pay' should be called 2 times

  Scenario: Policy denies an act
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { p: { call: act, with: { action: put, arguments: { n: 1 } } } } ]
          catch: { do: [ { h: { set: { t: '${ $error.type | split("/") | last }' } } } ] }
    """
    And a file 'policies/main.cedar':
    """
    @id("most")
    permit (principal, action, resource) unless { action == Action::"put" };
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    t: policy-denied
    """
    And 'put' should be called 0 times

  Scenario: Timeout while an action is out and never answers, by key
    Given a workflow doing:
    """yaml
    do:
      - p: { call: act, with: { action: close, arguments: { n: 1 } }, timeout: { after: PT5S } }
      - z: { set: { never: 1 } }
    """
    And 'close' answers:
    """
    silent
    """
    When the workflow is executed
    Then the workflow should wait
    And z should not run

  Scenario: In doubt, resolved as done by a person
    Given a workflow doing:
    """yaml
    do:
      - p: { call: act, with: { action: close, arguments: { n: 1 } } }
      - z: { set: { got: '${ .ref }' } }
    """
    And 'close' answers:
    """
    unknown
    """
    When the workflow is executed
    Then the workflow should wait
    When 'close' is resolved as done:
    """yaml
    ref: r1
    """
    Then the workflow should complete with output:
    """yaml
    got: r1
    """

  Scenario: InDoubt raise hands it to catch
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - p: { call: act, with: { action: close, arguments: { n: 1 } }, metadata: { provost: { inDoubt: raise } } }
          catch: { do: [ { h: { set: { t: '${ $error.type | split("/") | last }' } } } ] }
    """
    And 'close' answers:
    """
    unknown
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: Compensation in reverse order
    Given a workflow doing:
    """yaml
    do:
      - scope:
          do:
            - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
            - b: { call: act, with: { action: book, arguments: { n: 2 } } }
      - undo: { call: compensate, with: { scope: scope, reason: test } }
    """
    When the workflow is executed
    Then the workflow should complete
    And 'book-undo' should be called once
    And 'pay-undo' should be called once

  Scenario: Decide by majority with a veto and an absent opinion
    Given a workflow doing:
    """yaml
    do:
      - d:
          call: decide
          with:
            rule: majority
            quorum: 2
            tie: escalate
            veto: [ { by: risk, choice: deny, confidencePct: 80 } ]
            opinions:
              a: { choice: approve, confidencePct: 90 }
              b: { choice: approve, confidencePct: 70 }
              risk: { choice: deny, confidencePct: 85 }
              gone: null
          output: { as: '{ choice, vetoedBy, quorum }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    choice: deny
    vetoedBy: risk
    quorum: { present: 3, needed: 2 }
    """

  Scenario: Weighted majority, mean of the supporters, half up
    Given a workflow doing:
    """yaml
    do:
      - d:
          call: decide
          with:
            rule: weighted-majority
            tie: none
            weights: { a: 2 }
            opinions:
              a: { choice: x, confidencePct: 50 }
              b: { choice: x, confidencePct: 81 }
              c: { choice: y, confidencePct: 100 }
          output: { as: '[ .choice, .confidencePct ]' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ x, 60 ]
    """

  Scenario: Equal sums give tie and 0
    Given a workflow doing:
    """yaml
    do:
      - d:
          call: decide
          with:
            rule: weighted-majority
            tie: ask
            opinions: { a: { choice: x, confidencePct: 50 }, b: { choice: y, confidencePct: 80 } }
          output: { as: '[ .choice, .confidencePct ]' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ ask, 0 ]
    """

  Scenario: No quorum gives tie and 0
    Given a workflow doing:
    """yaml
    do:
      - d:
          call: decide
          with:
            rule: majority
            quorum: 3
            tie: ask
            opinions: { a: { choice: x, confidencePct: 50 }, b: { choice: x, confidencePct: 80 }, c: null }
          output: { as: '[ .choice, .confidencePct, .quorum.present ]' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ ask, 0, 2 ]
    """

  Scenario Outline: Rules tables
    Given a workflow doing:
    """yaml
    do:
      - d: { call: rules, with: { table: <table>, input: { n: '${ .n }' } } }
    """
    And the workflow input is:
    """yaml
    n: <n>
    """
    When the workflow is executed
    Then the workflow should complete
    Examples:
      | table   | n  |
      | first   | 4  |
      | first   | 11 |
      | collect | 4  |
      | first@1 | 4  |

  Scenario: The long form of the default catalogue
    Given a workflow doing:
    """yaml
    do:
      - d: { call: 'rules:1.0.0@default', with: { table: first, input: { n: 4 } } }
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: An agent that abstains is null, the fork goes on
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - a: { call: agent, with: { agent: abstains, input: { x: 1 } } }
              - b: { call: agent, with: { agent: plain, input: { x: 1 } } }
    """
    And 'abstains' answers:
    """
    failed 500
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ null, { ok: true } ]
    """

  Scenario: Agent examples, contains is case-insensitive, first match wins, when, default
    Given a workflow doing:
    """yaml
    do:
      - a: { call: agent, with: { agent: picks, input: { text: 'very urgent', n: 99 } }, export: { as: '[ .by ]' } }
      - b: { call: agent, with: { agent: picks, input: { n: 99 } }, export: { as: '$context + [ .by ]' } }
      - c: { call: agent, with: { agent: picks, input: { n: 9 } }, export: { as: '$context + [ .by ]' } }
    output: { as: $context }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ contains, when, default ]
    """

  Scenario: A review times out
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { r: { call: review, with: { queue: bosses, title: Well?, options: [ yes, no ] }, timeout: { after: PT1H } } } ]
          catch: { errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout } }, do: [ { h: { set: { late: true } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    late: true
    """

  Scenario: Cancel waits for nothing and undoes nothing by default
    Given a workflow doing:
    """yaml
    do:
      - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
      - w: { wait: PT1H }
    """
    When the workflow is started
    And 1 second passes
    And the workflow is cancelled
    And time passes
    Then the workflow should cancel
    And 'pay-undo' should be called 0 times
    And w should cancel

  Scenario: Cancel undoes the scopes that are named
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { cancel: { grace: PT5S, compensate: [ a ] } } } }
    do:
      - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
      - w: { wait: PT1H }
    """
    When the workflow is started
    And 1 second passes
    And the workflow is cancelled
    And time passes
    Then the workflow should cancel
    And 'pay-undo' should be called once

  Scenario: Limits.tasks ends an endless then
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { tasks: 50 } } } }
    do:
      - a: { set: { n: 1 }, then: a }
    """
    When the workflow is executed
    Then the workflow should fault

  Scenario: Export that drops keys is warned of
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { n: 1 }, export: { as: '{ a: .n }' } }
      - b: { set: { n: 1 }, export: { as: '{ b: .n }' } }
    """
    When the workflow is published
    Then the document should draw the warning 'PV2002'

  Scenario: The event that emit sends starts another workflow
    Given a workflow doing:
    """yaml
    do:
      - a: { emit: { event: { with: { type: go.now, data: { n: 5 } } } } }
    """
    And another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: other, version: '1.0.0' }
    schedule: { on: { one: { with: { type: go.now } } } }
    do: [ { x: { set: { n: '${ .[0].n }' } } } ]
    """
    When the workflow is executed
    Then there should be 1 completed runs of 'other'

  Scenario: Hops end a loop of events
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }
    schedule: { on: { one: { with: { type: ping } } } }
    do: [ { x: { emit: { event: { with: { type: ping } } } } } ]
    """
    When the workflow is published
    And the event is sent:
    """yaml
    { type: ping, source: https://x.com }
    """
    And time passes
    Then there should be 33 runs of 'case'

  Scenario Outline: Refused in expressions
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { n: '${ <expr> }' } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1026'
    Examples:
      | expr                         |
      | now                          |
      | env                          |
      | $ENV                         |
      | input                        |
      | inputs                       |
      | debug                        |
      | halt                         |
      | localtime                    |
      | def f: f; f                  |
      | [ repeat(1) ]                |
      | [ limit(3; recurse(. + 1)) ] |
      | until(. > 1; . + 1)          |
      | [ while(. < 1; . + 1) ]      |
      | pow(2; 3)                    |

  Scenario: Fuel ends a bomb, which cannot be caught in the expression
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { a: { set: { n: '${ try (reduce range(100) as $i ("a"; . + .)) catch "caught" }' } } } ]
          catch: { errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/expression } }, do: [ { h: { set: { stopped: true } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    stopped: true
    """

  Scenario: Integer overflow is an error
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { n: '${ 9223372036854775807 + 1 }' } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/expression
    """

  Scenario: Retrieve filters by policy
    Given a workflow doing:
    """yaml
    do:
      - a: { call: retrieve, with: { source: handbook, query: how about a refund, topK: 2 }, output: { as: '[ .passages[].source ] | length' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    2
    """

  Scenario: Feature as of a time
    Given a workflow doing:
    """yaml
    do:
      - a: { call: feature, with: { names: [ orders-30d ], entity: c-1, asOf: '2021-05-05T00:00:00Z' } }
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: $workflow.startedAt and $task.startedAt are recorded times
    Given a workflow doing:
    """yaml
    do:
      - w: { wait: PT10S }
      - a: { set: { d: '${ $task.startedAt.epoch.seconds - $workflow.startedAt.epoch.seconds }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    d: 10
    """
