Feature: Act and policy
  One external effect with an effect key; policy is asked whatever the document says.

  Scenario: Allowed and sent
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: '${ .n }' } } }
      """
    And the workflow input is:
      """yaml
      { n: 5 }
      """
    And 'pay' answers:
      """yaml
      done {"id":"P-1"}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: P-1 }
      """
    And 'pay' should be called once
    And 'pay' should be called with:
      """yaml
      { n: 5 }
      """

  Scenario: No policy means deny
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("agents-only")
      permit (principal, action, resource is Agent);
      """
    When the workflow is executed
    Then the workflow should fault with 'policy-denied'
    And 'pay' should be called 0 times

  Scenario: A denial is an error that catch takes
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: act, with: { action: pay, arguments: { n: 1 } } } } ], catch: { as: e, do: [ { h: { set: { taken: true } } } ] } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("none")
      forbid (principal, action == Action::"pay", resource);
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """

  Scenario: Policy sees the arguments
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { each: n, in: '${ [10, 1000] }' }, do: [ { a: { call: act, with: { action: pay, arguments: { n: '${ $n }' } } } } ] }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("small")
      permit (principal, action == Action::"pay", resource) when { context.arguments.n < 100 };
      """
    When the workflow is executed
    Then the workflow should be parked with 'policy-denied'
    And 'pay' should be called once

  Scenario: A call that needs a person waits for one
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: ask, arguments: { n: 1 } } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("with-review")
      permit (principal, action == Action::"ask.with-review", resource);
      @id("people")
      permit (principal, action == Action::"review.decide", resource);
      @id("approved")
      permit (principal, action == Action::"ask", resource) when { context has approval };
      """
    When the workflow is started
    Then the workflow should wait
    And somebody should be asked 'Send it?'
    And 'ask' should be called 0 times
    When 'anna' answers the review with 'approve'
    Then the workflow should complete
    And 'ask' should be called once

  Scenario: A rejected call is the error rejected
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: act, with: { action: ask, arguments: { n: 1 } } } } ], catch: { as: e, do: [ { h: { set: { type: '${ $e.type | split("/") | last }' } } } ] } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("with-review")
      permit (principal, action == Action::"ask.with-review", resource);
      @id("people")
      permit (principal, action == Action::"review.decide", resource);
      """
    When the workflow is started
    And 'anna' answers the review with 'reject'
    Then the workflow should complete with output:
      """yaml
      { type: rejected }
      """
    And 'ask' should be called 0 times

  Scenario: An explicit review that names the call releases it
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ approve, reject ], approves: { action: ask, arguments: { n: 1 } } } }
        - a: { call: act, with: { action: ask, arguments: { n: 1 } } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("with-review")
      permit (principal, action == Action::"ask.with-review", resource);
      @id("people")
      permit (principal, action == Action::"review.decide", resource);
      @id("approved")
      permit (principal, action == Action::"ask", resource) when { context has approval };
      """
    When the workflow is started
    And 'anna' answers the review with 'approve'
    Then the workflow should complete
    And 'ask' should be called once

  Scenario: A changed argument voids the approval
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ approve, reject ], approves: { action: ask, arguments: { n: 1 } } } }
        - a: { call: act, with: { action: ask, arguments: { n: 2 } } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("with-review")
      permit (principal, action == Action::"ask.with-review", resource);
      @id("people")
      permit (principal, action == Action::"review.decide", resource);
      @id("approved")
      permit (principal, action == Action::"ask", resource) when { context has approval };
      """
    When the workflow is started
    And 'anna' answers the review with 'approve'
    Then the workflow should wait
    And somebody should be asked 'Send it?'
    And 'ask' should be called 0 times

  Scenario: An approval is spent by one call
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ approve, reject ], approves: { action: ask, arguments: { n: 1 } } } }
        - a: { call: act, with: { action: ask, arguments: { n: 1 } } }
        - b: { call: act, with: { action: ask, arguments: { n: 1 } } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("with-review")
      permit (principal, action == Action::"ask.with-review", resource);
      @id("people")
      permit (principal, action == Action::"review.decide", resource);
      @id("approved")
      permit (principal, action == Action::"ask", resource) when { context has approval };
      """
    When the workflow is started
    And 'anna' answers the review with 'approve'
    Then the workflow should wait
    And 'ask' should be called once

  Scenario: An explicit question to policy is answered as data
    Given a workflow doing:
      """yaml
      do:
        - p: { call: policy, with: { action: pay, context: { arguments: { n: 1 } } }, output: { as: '${ .answer }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      allow
      """

  Scenario: An explicit question sends nothing and releases nothing
    Given a workflow doing:
      """yaml
      do:
        - p: { call: policy, with: { action: pay, context: {} }, output: { as: '${ .answer }' } }
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("none")
      forbid (principal, action == Action::"pay", resource);
      """
    When the workflow is executed
    Then the workflow should fault with 'policy-denied'
    And p should complete with output:
      """yaml
      deny
      """
    And 'pay' should be called 0 times

  Scenario: Arguments that break their contract never leave
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: strict, arguments: { n: '${ "text" }' } } }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'
    And 'strict' should be called 0 times

  Scenario: A business key is the key towards the target
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 }, key: order-7 } }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay' should be called under the key 'order-7'

  Scenario: A business key acts once over orchestrations
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 }, key: order-7 } }
      """
    And 'pay' answers:
      """yaml
      done {"id":"P-1"}
      done {"id":"P-2"}
      """
    When the workflow is executed
    And the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: P-1 }
      """
    And 'pay' should be called once

  Scenario: A business key with other arguments is a conflict
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: '${ .n }' }, key: order-7 } }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    And the workflow input is:
      """yaml
      { n: 2 }
      """
    And the workflow is executed
    Then the workflow should be parked with 'conflict'
    And 'pay' should be called once

  Scenario: An action that no file describes is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: payy, arguments: { n: 1 } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3
    And the refusal should say 'payy'

  Scenario: A retry of its own stands in the file of the action
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: put, arguments: { n: 1 } } }
      """
    And 'put' answers:
      """yaml
      busy
      busy
      done {"ok":true}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { ok: true }
      """
    And 'put' should be called 3 times
    And 'put' should be called under 1 key
    And the workflow should take 2 seconds
