Feature: Life of an orchestration
  It runs or waits, then completes, faults or is cancelled; what left something behind is parked and can be redriven.

  Scenario: It waits, then completes
    Given a workflow doing:
      """yaml
      do: [ { a: { wait: PT1M } } ]
      """
    When the workflow is started
    Then the workflow should wait
    When 1 minute passes
    Then the workflow should complete

  Scenario: What has completed takes no command
    Given a workflow doing:
      """yaml
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is executed
    And the workflow is redriven
    Then it should be refused with 'already-ended'

  Scenario: What runs cannot be redriven
    Given a workflow doing:
      """yaml
      do: [ { a: { wait: PT1M } } ]
      """
    When the workflow is started
    And the workflow is redriven
    Then it should be refused with 'not-parked'

  Scenario: A redrive begins at the task that failed and keeps the key
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: put, arguments: { n: 1 } } }
        - b: { call: act, with: { action: pay, arguments: { n: 2 } } }
      """
    And 'pay' answers:
      """yaml
      failed 400
      done {"id":2}
      """
    When the workflow is executed
    Then the workflow should be parked with 'communication'
    When the workflow is redriven
    And time passes
    Then the workflow should complete with output:
      """yaml
      { id: 2 }
      """
    And 'put' should be called once
    And 'pay' should be called 2 times
    And 'pay' should be called under 1 key

  Scenario: What is parked can be cancelled
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 2 } } }
      """
    And 'pay' answers:
      """yaml
      failed 400
      """
    When the workflow is executed
    Then the workflow should be parked with 'communication'
    When the workflow is cancelled
    Then the workflow should cancel

  Scenario: Two runs of one workflow know nothing of each other
    Given a workflow doing:
      """yaml
      do: [ { a: { set: { n: '${ .n + 1 }' }, export: { as: '${ $context + . }' } } } ]
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """
    And the workflow input is:
      """yaml
      { n: 5 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 6 }
      """
    And the context should be:
      """yaml
      { n: 6 }
      """
