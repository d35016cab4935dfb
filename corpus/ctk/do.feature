Feature: Do
  Tasks of a list run in declared order; a list is a task itself.

  Scenario: A list in a list hands its last output on
    Given a workflow doing:
      """yaml
      do:
        - outer:
            do:
              - a: { set: { n: 1 } }
              - b: { set: { n: '${ .n + 1 }' } }
        - c: { set: { n: '${ .n + 10 }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 12 }
      """
    And a should run before b
    And outer should run after b
    And c should run last

  Scenario: The first task of a list gets the input of the list
    Given a workflow doing:
      """yaml
      do:
        - outer:
            input: { from: '${ .inside }' }
            do:
              - a: { set: { got: '${ .n }' } }
      """
    And the workflow input is:
      """yaml
      { inside: { n: 4 } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { got: 4 }
      """

  Scenario: A list shapes what its last task gave
    Given a workflow doing:
      """yaml
      do:
        - outer:
            do:
              - a: { set: { n: 1, noise: true } }
            output: { as: '${ .n }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      1
      """

  Scenario: An empty list hands its input on
    Given a workflow doing:
      """yaml
      do: []
      """
    And the workflow input is:
      """yaml
      n: 1
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      n: 1
      """

  Scenario: Empty lists inside others
    Given a workflow doing:
      """yaml
      do:
        - a: { do: [] }
        - l: { for: { in: '[1, 2]' }, do: [] }
        - t: { try: [], catch: { do: [] } }
        - f: { fork: { branches: [] }, output: { as: '{ joined: ., n: $input.n }' } }
      """
    And the workflow input is:
      """yaml
      n: 1
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      joined: []
      n: 1
      """

  Scenario: A task under two kinds is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 }, wait: PT1S }
      """
    When the workflow is published
    Then the document should be refused with 'PV1020' at line 3
