Feature: Wait
  A wait hands its input on; time is virtual here.

  Scenario: A wait takes its time and hands its input on
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: { minutes: 10 } }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """
    And the workflow should take 10 minutes

  Scenario: A wait is not over before its time
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: PT1H }
      """
    When the workflow is started
    Then the workflow should wait
    When 59 minutes pass
    Then the workflow should wait
    When 1 minute passes
    Then the workflow should complete

  Scenario: Units add up
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: { minutes: 1, seconds: 1, milliseconds: 500 } }
      """
    When the workflow is executed
    Then the workflow should take 61500 milliseconds

  Scenario: A wait of a year takes no time here
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: P365D }
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 365 days

  Scenario: A duration may be computed
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: '${ "PT\(.n)S" }' }
      """
    And the workflow input is:
      """yaml
      { n: 7 }
      """
    When the workflow is executed
    Then the workflow should take 7 seconds

  Scenario: What is no duration is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: soon }
      """
    When the workflow is published
    Then the document should be refused with 'PV1025' at line 3
