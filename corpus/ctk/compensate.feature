Feature: Compensate
  Undoes the finished actions of a scope in reverse order; a failed undo stops and is shown.

  Scenario: The finished actions of a scope are undone, latest first
    Given a workflow doing:
      """yaml
      do:
        - s: { do: [ { a: { call: act, with: { action: pay, arguments: { n: 1 } } } }, { b: { call: act, with: { action: book, arguments: { n: 2 } } } } ] }
        - u: { call: compensate, with: { scope: s, reason: enough } }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay-undo' should be called once
    And 'book-undo' should be called once
    And the workflow output should have 'undone' with 2 items

  Scenario: Another scope stays
    Given a workflow doing:
      """yaml
      do:
        - s: { do: [ { a: { call: act, with: { action: pay, arguments: { n: 1 } } } } ] }
        - o: { do: [ { b: { call: act, with: { action: book, arguments: { n: 2 } } } } ] }
        - u: { call: compensate, with: { scope: s, reason: enough } }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay-undo' should be called once
    And 'book-undo' should be called 0 times

  Scenario: What failed is not undone
    Given a workflow doing:
      """yaml
      do:
        - s: { try: [ { a: { call: act, with: { action: pay, arguments: { n: 1 } } } } ], catch: {} }
        - u: { call: compensate, with: { scope: s, reason: enough } }
      """
    And 'pay' answers:
      """yaml
      failed 400
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay-undo' should be called 0 times

  Scenario: A failed undo stops and is shown
    Given a workflow doing:
      """yaml
      do:
        - s: { do: [ { a: { call: act, with: { action: book, arguments: { n: 1 } } } }, { b: { call: act, with: { action: pay, arguments: { n: 2 } } } } ] }
        - u: { call: compensate, with: { scope: s, reason: enough } }
      """
    And 'pay-undo' answers:
      """yaml
      failed 400
      """
    When the workflow is executed
    Then the workflow should be parked with 'undo-failed'
    And 'book-undo' should be called 0 times

  Scenario: Nothing to undo
    Given a workflow doing:
      """yaml
      do:
        - s: { do: [ { a: { set: { n: 1 } } } ] }
        - u: { call: compensate, with: { scope: s, reason: enough } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { undone: [] }
      """

  Scenario: A scope that is none is refused
    Given a workflow doing:
      """yaml
      do:
        - u: { call: compensate, with: { scope: nobody, reason: enough } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3
