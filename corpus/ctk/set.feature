Feature: Set
  `set` makes the output of a task from its input; what stands in data is never evaluated.

  Scenario: Set replaces the input by what is written
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { color: red } }
      """
    And the workflow input is:
      """yaml
      { size: 3 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { color: red }
      """

  Scenario: Set of an expression as the whole value
    Given a workflow doing:
      """yaml
      do:
        - a: { set: '${ .items | length }' }
      """
    And the workflow input is:
      """yaml
      { items: [ 1, 2, 3 ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      3
      """

  Scenario: Expressions nest in written values
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { deep: [ { sum: '${ .a + .b }' }, constant ] } }
      """
    And the workflow input is:
      """yaml
      { a: 1, b: 2 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { deep: [ { sum: 3 }, constant ] }
      """

  Scenario: An expression that arrives as data stays text
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { said: '${ .text }' } }
      """
    And the workflow input is:
      """yaml
      { text: '${ 1 + 1 }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { said: '${ 1 + 1 }' }
      """

  Scenario: A later task sees the output of the earlier one
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ .n * 2 }' } }
        - b: { set: { n: '${ .n + 1 }' } }
      """
    And the workflow input is:
      """yaml
      { n: 5 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 11 }
      """
    And the tasks should run in this order: a, b
