Feature: Switch
  The first case that holds, in declared order; none: its own `then`.

  Scenario: Several cases hold and the first wins
    Given a workflow doing:
      """yaml
      do:
        - s: { switch: [ { big: { when: '${ .n > 1 }', then: one } }, { bigger: { when: '${ .n > 2 }', then: two } } ] }
        - one: { set: { by: one }, then: end }
        - two: { set: { by: two } }
      """
    And the workflow input is:
      """yaml
      { n: 5 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: one }
      """
    And two should not run

  Scenario: No case holds and its own then is followed
    Given a workflow doing:
      """yaml
      do:
        - s: { switch: [ { big: { when: '${ .n > 1 }', then: one } } ], then: two }
        - one: { set: { by: one } }
        - two: { set: { by: two } }
      """
    And the workflow input is:
      """yaml
      { n: 0 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: two }
      """
    And one should not run

  Scenario: No case holds and nothing is said, so the next task runs
    Given a workflow doing:
      """yaml
      do:
        - s: { switch: [ { big: { when: '${ .n > 1 }', then: two } } ] }
        - one: { set: { by: one }, then: end }
        - two: { set: { by: two } }
      """
    And the workflow input is:
      """yaml
      { n: 0 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: one }
      """

  Scenario: A case without a condition is the default
    Given a workflow doing:
      """yaml
      do:
        - s: { switch: [ { big: { when: '${ .n > 1 }', then: end } }, { rest: { then: two } } ] }
        - one: { set: { by: one } }
        - two: { set: { by: two } }
      """
    And the workflow input is:
      """yaml
      { n: 0 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: two }
      """
    And one should not run

  Scenario: A switch hands its input on
    Given a workflow doing:
      """yaml
      do:
        - s: { switch: [ { on: { when: '${ true }', then: continue } } ] }
      """
    And the workflow input is:
      """yaml
      { n: 3 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 3 }
      """

  Scenario: A bare condition is an expression
    Given a workflow doing:
      """yaml
      do:
        - s: { switch: [ { big: { when: .n > 1, then: end } } ] }
        - one: { set: { small: true } }
      """
    And the workflow input is:
      """yaml
      { n: 5 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 5 }
      """

  Scenario: A case that leads nowhere is refused
    Given a workflow doing:
      """yaml
      do:
        - s: { switch: [ { big: { when: '${ true }', then: nowhere } } ] }
      """
    When the workflow is published
    Then the document should be refused with 'PV1022' at line 3

  Scenario: A case that cannot be computed is an error
    Given a workflow doing:
      """yaml
      do:
        - s: { switch: [ { big: { when: '${ .n + 1 }', then: end } } ] }
      """
    And the workflow input is:
      """yaml
      { n: text }
      """
    When the workflow is executed
    Then the workflow should fault with 'expression'
