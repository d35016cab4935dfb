Feature: Timeout
  At tasks, lists and the workflow; an action that is out is never abandoned half.

  Scenario: A task that takes too long faults
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: PT1H, timeout: { after: { seconds: 5 } } }
      """
    When the workflow is executed
    Then the workflow should fault with 'timeout'

  Scenario: A timeout is an error with status 408
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { wait: PT1H, timeout: { after: PT5S } } } ], catch: { as: e, do: [ { h: { set: { status: '${ $e.status }', at: '${ $e.instance }' } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { status: 408, at: /do/0/t/try/0/a }
      """
    And the workflow should take 5 seconds

  Scenario: A task in time is not disturbed
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: PT5S, timeout: { after: PT6S } }
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 5 seconds

  Scenario: A list has a time of its own
    Given a workflow doing:
      """yaml
      do:
        - o: { do: [ { a: { wait: PT4S } }, { b: { wait: PT4S } } ], timeout: { after: PT5S } }
      """
    When the workflow is executed
    Then the workflow should fault with 'timeout'
    And a should complete
    And b should not run

  Scenario: The workflow has a time of its own
    Given a workflow doing:
      """yaml
      timeout: { after: PT5S }
      do:
        - a: { wait: PT4S }
        - b: { wait: PT4S }
      """
    When the workflow is executed
    Then the workflow should fault with 'timeout'

  Scenario: A timeout is used by name
    Given a workflow doing:
      """yaml
      use: { timeouts: { short: { after: PT2S } } }
      do:
        - t: { try: [ { a: { wait: PT1H, timeout: short } } ], catch: { do: [ { h: { set: { late: true } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { late: true }
      """
    And the workflow should take 2 seconds

  Scenario: A run of an agent faults at once
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: agent, with: { agent: plain, input: {} }, timeout: { after: PT5S } } } ], catch: { do: [ { h: { set: { late: true } } } ] } }
      """
    And 'plain' answers:
      """yaml
      silent
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { late: true }
      """
    And the workflow should take 5 seconds

  Scenario: A timeout is not answered by the failure mode of an agent
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: abstains, input: {} }, timeout: { after: PT5S } }
      """
    And 'abstains' answers:
      """yaml
      silent
      """
    When the workflow is executed
    Then the workflow should fault with 'timeout'

  Scenario: An action that is out and succeeds counts as success
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } }, timeout: { after: PT5S } }
      """
    And 'pay' answers:
      """yaml
      silent
      done {"paid":true}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { paid: true }
      """
    And 'pay' should be called under 1 key

  Scenario: An action that was sent and of which nobody knows waits in doubt
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: close, arguments: { n: 1 } }, timeout: { after: PT5S } }
        - b: { set: { n: 2 } }
      """
    And 'close' answers:
      """yaml
      silent
      """
    When the workflow is executed
    Then the workflow should wait
    And 'close' should be called once
    And b should not run
    When 'close' is resolved as not done
    Then the workflow should fault with 'timeout'
