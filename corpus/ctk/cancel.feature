Feature: Cancel
  No new effects; what is out is waited for; named scopes are undone.

  Scenario: A wait is cancelled at once
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: PT1H }
      """
    When the workflow is started
    And the workflow is cancelled
    Then the workflow should cancel
    And a should not run

  Scenario: A question is closed
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ go, stop ] } }
      """
    When the workflow is started
    And the workflow is cancelled
    Then the workflow should cancel
    And nobody should be asked
    When 'anna' answers the review with 'go'
    Then it should be refused with 'already-ended'

  Scenario: What is out is waited for within the grace
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
        - b: { call: act, with: { action: put, arguments: { n: 2 } } }
      """
    And 'pay' answers:
      """yaml
      silent
      """
    When the workflow is started
    And the workflow is cancelled
    Then the workflow should be cancelling
    When time passes
    Then the workflow should cancel
    And 'put' should be called 0 times

  Scenario: Named scopes are undone in reverse order
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { cancel: { compensate: [ s ] } } } }
      do:
        - s: { do: [ { a: { call: act, with: { action: pay, arguments: { n: 1 } } } }, { b: { call: act, with: { action: pay, arguments: { n: 2 } } } } ] }
        - w: { wait: PT1H }
      """
    When the workflow is started
    And the workflow is cancelled
    And time passes
    Then the workflow should cancel
    And 'pay-undo' should be called 2 times

  Scenario: Nothing is undone where no scope is named
    Given a workflow doing:
      """yaml
      do:
        - s: { do: [ { a: { call: act, with: { action: pay, arguments: { n: 1 } } } } ] }
        - w: { wait: PT1H }
      """
    When the workflow is started
    And the workflow is cancelled
    And time passes
    Then the workflow should cancel
    And 'pay-undo' should be called 0 times

  Scenario: Cancelling what has ended is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 } }
      """
    When the workflow is executed
    And the workflow is cancelled
    Then it should be refused with 'already-ended'

  Scenario: A grace of its own
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { cancel: { grace: PT10S } } } }
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
      """
    And 'pay' answers:
      """yaml
      silent
      """
    When the workflow is started
    And the workflow is cancelled
    And 9 seconds pass
    Then the workflow should be cancelling
    When 1 second passes
    Then the workflow should cancel
