Feature: Review
  Waits for a person; the task's timeout is the limit; silence is what `catch` says.

  Scenario: The answer is the output
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ go, stop ], show: { n: 1 } } }
      """
    When the workflow is started
    Then somebody should be asked 'Go?'
    And the question should show:
      """yaml
      { n: 1 }
      """
    When 'anna' answers the review with 'stop'
    Then the workflow should complete
    And the workflow output should have a 'choice' property with value:
      """yaml
      stop
      """

  Scenario: Silence is a timeout
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { r: { call: review, with: { queue: bosses, title: Go?, options: [ go, stop ] }, timeout: { after: P1D } } } ], catch: { do: [ { h: { set: { silent: true } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { silent: true }
      """
    And the workflow should take 1 day
    And nobody should be asked

  Scenario: An option that is none is refused
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ go, stop ] } }
      """
    When the workflow is started
    And 'anna' answers the review with 'maybe'
    Then it should be refused with 'unknown-option'

  Scenario: Four eyes need another person than who started it
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ go, stop ], fourEyes: true } }
      """
    When the workflow is started
    And 'starter' answers the review with 'go'
    Then it should be refused with 'four-eyes'
    When 'anna' answers the review with 'go'
    Then the workflow should complete

  Scenario: A question is answered once
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ go, stop ] } }
        - w: { wait: PT1H }
      """
    When the workflow is started
    And 'anna' answers the review with 'go'
    And 'otto' answers the review with 'stop'
    Then it should be refused with 'review-closed'

  Scenario: A closed review answers from the journal when its list runs again
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - r: { call: review, with: { queue: bosses, title: Go?, options: [ go, stop ] } }
              - a: { call: act, with: { action: put, arguments: { n: 1 } } }
            catch: { retry: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 3 } } } }
      """
    And 'put' answers:
      """yaml
      failed 400
      done {"ok":true}
      """
    When the workflow is started
    And 'anna' answers the review with 'go'
    And time passes
    Then the workflow should complete
    And nobody should be asked
    And 'put' should be called 2 times

  Scenario: A review that names no call releases none
    Given a workflow doing:
      """yaml
      do:
        - r: { call: review, with: { queue: bosses, title: Go?, options: [ approve, reject ] } }
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
    Then the workflow should wait
    And somebody should be asked 'Send it?'
    And 'ask' should be called 0 times
