Feature: Rulings that stand nowhere else
  Names, spellings, overrides and bare expressions.

  Scenario: Bare expressions after while, in, from and as
    Given a workflow doing:
      """yaml
      do:
        - f:
            input: { from: .order }
            for: { each: it, in: .items }
            while: .sum < 3
            do: [ { a: { set: { items: '${ .items }', sum: '${ .sum + $it }' } } } ]
            output: { as: .sum }
      """
    And the workflow input is:
      """yaml
      { order: { items: [ 1, 2, 3 ], sum: 0 } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      3
      """

  Scenario: A bare expression as an export
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 }, export: { as: '{ kept: .n }' } }
        - b: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { kept: 1 }
      """

  Scenario: A bare name where the bundle holds two versions is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: twin, arguments: {} } }
      """
    And a file 'actions/twin.yaml':
      """yaml
      version: 1.0.0
      class: E2
      queue: out
      """
    And a file 'actions/twin-2.yaml':
      """yaml
      name: twin
      version: 2.0.0
      class: E2
      queue: out
      """
    When the workflow is published
    Then the document should be refused with 'PV1024' at line 3

  Scenario: A major version picks one of two
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: twin@2, arguments: {} } }
      """
    And a file 'actions/twin.yaml':
      """yaml
      version: 1.0.0
      class: E2
      queue: out
      """
    And a file 'actions/twin-2.yaml':
      """yaml
      name: twin
      version: 2.0.0
      class: E2
      queue: out
      """
    When the workflow is executed
    Then the workflow should complete
    And 'twin' should be called once

  Scenario: A task overrides the retry of the action's file
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: put, arguments: { n: 1 }, retry: { delay: { seconds: 7 }, backoff: { constant: {} }, limit: { attempt: { count: 1 } } } } }
      """
    And 'put' answers:
      """yaml
      busy
      done {"ok":true}
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 7 seconds

  Scenario: A task overrides the undo of the action's file
    Given a workflow doing:
      """yaml
      do:
        - s: { do: [ { a: { call: act, with: { action: pay, arguments: { n: 1 }, compensate: put-undo } } } ] }
        - u: { call: compensate, with: { scope: s, reason: enough } }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'put-undo' should be called once
    And 'pay-undo' should be called 0 times

  Scenario: Authored keys are written in camel case
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { value_bytes: 5 } } } }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1010' at line 1
    And the refusal should say 'value_bytes'

  Scenario: An event that carries an expression carries text
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { got: '${ .[0].text }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.ordered, data: { text: '${ $secrets.token }' } }
      """
    Then the workflow should complete with output:
      """yaml
      { got: '${ $secrets.token }' }
      """

  Scenario: A missed tick runs once for the last
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { missed: none } } }
      schedule: { every: { minutes: 10 } }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    And 10 minutes pass
    Then there should be 1 completed run of 'case'

  Scenario: A wait's output as shapes the input it hands on
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: PT1S, output: { as: '${ .n }' } }
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      4
      """

  Scenario: The output of an emit may be shaped
    Given a workflow doing:
      """yaml
      do:
        - a: { emit: { event: { with: { type: com.example.said, data: { n: 3 } } } }, output: { as: '${ .data.n }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      3
      """

  Scenario: An action without an opinion of policy is not sent, and the rules are told
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: act, with: { action: pay, arguments: { n: 1 } } } } ], catch: { as: e, do: [ { h: { set: { status: '${ $e.status }' } } } ] } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("only-put")
      permit (principal, action == Action::"put", resource);
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { status: 403 }
      """

  Scenario: Because is seen by policy as the decision
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, tie: unsure } }
        - a: { call: act, with: { action: pay, arguments: { n: 1 }, because: '${ . }' } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: approve, confidencePct: 90 } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("decided")
      permit (principal, action == Action::"pay", resource) when { context has decision && context.decision.choice == "approve" };
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay' should be called once

  Scenario: A decision against it is seen too
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, tie: unsure } }
        - a: { call: act, with: { action: pay, arguments: { n: 1 }, because: '${ . }' } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: reject, confidencePct: 90 } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("decided")
      permit (principal, action == Action::"pay", resource) when { context has decision && context.decision.choice == "approve" };
      """
    When the workflow is executed
    Then the workflow should fault with 'policy-denied'
    And 'pay' should be called 0 times
