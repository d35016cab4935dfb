Feature: Effects in doubt
  Sent and unknown: by key, by look-up, or by a person with evidence; nothing after it runs.

  Scenario: An unknown outcome under a key is asked again under the same key
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
      """
    And 'pay' answers:
      """yaml
      unknown
      done {"id":1}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: 1 }
      """
    And 'pay' should be called 2 times
    And 'pay' should be called under 1 key

  Scenario: An unknown outcome is looked up where the target can be asked
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: book, arguments: { n: 1 } } }
      """
    And 'book' answers:
      """yaml
      unknown
      """
    And look-ups of 'book' answer:
      """yaml
      done {"id":1}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: 1 }
      """
    And 'book' should be called once
    And look-ups of 'book' should be made once

  Scenario: What is proven absent is sent again
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: book, arguments: { n: 1 } } }
      """
    And 'book' answers:
      """yaml
      unknown
      done {"id":2}
      """
    And look-ups of 'book' answer:
      """yaml
      absent
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: 2 }
      """
    And 'book' should be called 2 times

  Scenario: What cannot be asked waits for a person
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: close, arguments: { n: 1 } } }
        - b: { set: { after: true } }
      """
    And 'close' answers:
      """yaml
      unknown
      """
    When the workflow is executed
    Then the workflow should wait
    And 'close' should be called once
    And b should not run
    When 'close' is resolved as done:
      """yaml
      { id: 9 }
      """
    Then the workflow should complete with output:
      """yaml
      { after: true }
      """

  Scenario: In doubt is no error that catch takes
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: act, with: { action: close, arguments: { n: 1 } } } } ], catch: { do: [ { h: { set: { taken: true } } } ] } }
      """
    And 'close' answers:
      """yaml
      unknown
      """
    When the workflow is executed
    Then the workflow should wait
    And h should not run

  Scenario: In doubt is handed to catch where the document says so
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { inDoubt: raise } } }
      do:
        - t: { try: [ { a: { call: act, with: { action: close, arguments: { n: 1 } } } } ], catch: { do: [ { h: { set: { taken: true } } } ] } }
      """
    And 'close' answers:
      """yaml
      unknown
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """

  Scenario: Compensate refuses a scope with an unresolved effect
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { inDoubt: raise } } }
      do:
        - s: { try: [ { a: { call: act, with: { action: close, arguments: { n: 1 } } } } ], catch: {} }
        - u: { call: compensate, with: { scope: s, reason: enough } }
      """
    And 'close' answers:
      """yaml
      unknown
      """
    When the workflow is executed
    Then the workflow should fault

  Scenario: A read of which nobody knows is simply read again
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: read, arguments: { n: 1 } } }
      """
    And 'read' answers:
      """yaml
      unknown
      done {"n":1}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """
    And 'read' should be called 2 times

  Scenario: A worker that is gone leaves its lease and the work is done again
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
      """
    And 'pay' answers:
      """yaml
      silent
      done {"id":1}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: 1 }
      """
    And 'pay' should be called 2 times
    And 'pay' should be called under 1 key

  Scenario: Evidence that it was not done lets the task fail
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: act, with: { action: close, arguments: { n: 1 } } } } ], catch: { do: [ { h: { set: { taken: true } } } ] } }
      """
    And 'close' answers:
      """yaml
      unknown
      failed 400
      """
    When the workflow is executed
    And 'close' is resolved as not done
    And time passes
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """
