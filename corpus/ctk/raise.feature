Feature: Raise
  Errors are RFC 9457 problems; `instance` is the upstream pointer.

  Scenario: An error with all its members
    Given a workflow doing:
      """yaml
      do:
        - a: { raise: { error: { type: https://example.com/oops, status: 418, title: Oops, detail: too much } } }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { type: https://example.com/oops, status: 418, title: Oops, detail: too much, instance: /do/0/a }
      """

  Scenario: An instance that the author wrote is kept
    Given a workflow doing:
      """yaml
      do:
        - a: { raise: { error: { type: https://example.com/oops, status: 418, title: Oops, instance: /mine } } }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { instance: /mine }
      """

  Scenario: Title and detail may be expressions
    Given a workflow doing:
      """yaml
      do:
        - a: { raise: { error: { type: https://example.com/oops, status: 400, title: '${ "no \(.what)" }', detail: '${ .why }' } } }
      """
    And the workflow input is:
      """yaml
      { what: stock, why: sold }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { title: no stock, detail: sold }
      """

  Scenario: An error that is named once is raised by name
    Given a workflow doing:
      """yaml
      use: { errors: { oops: { type: https://example.com/oops, status: 409, title: Oops } } }
      do:
        - a: { raise: { error: oops } }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { type: https://example.com/oops, status: 409, title: Oops }
      """

  Scenario: An error that is named nowhere is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { raise: { error: oops } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3

  Scenario: An error without a type is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { raise: { error: { status: 400, title: Oops } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1011' at line 3

  Scenario: An error inside lists has the pointer of its task
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 } }
        - o: { do: [ { x: { set: { n: 2 } } }, { y: { raise: { error: { type: https://example.com/oops, status: 400, title: Oops } } } } ] }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { instance: /do/1/o/do/1/y }
      """

  Scenario: An uncaught error after something left is parked and can be redriven
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: put, arguments: { n: 1 } } }
        - b: { call: act, with: { action: read, arguments: { n: 2 } } }
      """
    And 'read' answers:
      """yaml
      failed 400
      done {"ok":2}
      """
    When the workflow is executed
    Then the workflow should be parked with 'communication'
    When the workflow is redriven
    Then the workflow should complete with output:
      """yaml
      { ok: 2 }
      """
    And 'put' should be called once

  Scenario: An uncaught error after pure tasks ends the workflow
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 } }
        - b: { raise: { error: { type: https://example.com/oops, status: 400, title: Oops } } }
      """
    When the workflow is started
    Then the workflow should fault with 'oops'
    When the workflow is redriven
    Then it should be refused with 'already-ended'
