Feature: Use
  What a document names once and uses by name.

  Scenario: A function is called by its name
    Given a workflow doing:
      """yaml
      use: { functions: { greet: { set: { hello: '${ .name }' } } } }
      do:
        - a: { call: greet, with: { name: Ann } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { hello: Ann }
      """

  Scenario: A function may call an action
    Given a workflow doing:
      """yaml
      use: { functions: { charge: { call: act, with: { action: pay, arguments: { n: 7 } } } } }
      do:
        - a: { call: charge }
      """
    And 'pay' answers:
      """yaml
      done {"id":1}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: 1 }
      """
    And 'pay' should be called with:
      """yaml
      { n: 7 }
      """

  Scenario: A function that calls itself is refused
    Given a workflow doing:
      """yaml
      use: { functions: { again: { call: again } } }
      do:
        - a: { call: again }
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2

  Scenario: An error, a retry and a timeout by name
    Given a workflow doing:
      """yaml
      use:
        errors: { oops: { type: https://example.com/oops, status: 503, title: Oops } }
        retries: { once-more: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 1 } } } }
        timeouts: { day: { after: P1D } }
      do:
        - t: { try: [ { a: { raise: { error: oops } } } ], catch: { retry: once-more, do: [ { h: { set: { done: true } } } ] }, timeout: day }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { done: true }
      """
    And the workflow should take 1 second

  Scenario: A misspelt name draws the nearest one
    Given a workflow doing:
      """yaml
      use: { timeouts: { short: { after: PT1S } } }
      do:
        - a: { wait: PT2S, timeout: shrt }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 4
    And the refusal should say 'shrt'
