Feature: Flow
  `then`: the next task, a task of the same list, `exit` of the list, `end` of the workflow.

  Scenario: Exit leaves the list
    Given a workflow doing:
      """yaml
      do:
        - outer:
            do:
              - a: { set: { n: 1 }, then: exit }
              - b: { set: { n: 2 } }
        - c: { set: { n: '${ .n + 10 }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 11 }
      """
    And b should not run

  Scenario: End ends the workflow from inside
    Given a workflow doing:
      """yaml
      do:
        - outer: { do: [ { a: { set: { n: 1 }, then: end } } ] }
        - c: { set: { n: 2 } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """
    And c should not run

  Scenario: A task runs again when control comes back to it
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ .n + 1 }' } }
        - s: { switch: [ { again: { when: '${ .n < 3 }', then: a } } ] }
      """
    And the workflow input is:
      """yaml
      { n: 0 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 3 }
      """
    And a should run 3 times

  Scenario: Coming back is counted against the limit of tasks
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { tasks: 20 } } } }
      do:
        - a: { set: { n: 1 } }
        - b: { set: { n: 1 }, then: a }
      """
    When the workflow is executed
    Then the workflow should fault with 'too-many-tasks'

  Scenario: Then to a task of another list is refused
    Given a workflow doing:
      """yaml
      do:
        - outer: { do: [ { a: { set: { n: 1 } } } ] }
        - b: { set: { n: 2 }, then: a }
      """
    When the workflow is published
    Then the document should be refused with 'PV1022' at line 4

  Scenario: The nearest known word is named
    Given a workflow doing:
      """yaml
      do:
        - first: { set: { n: 2 }, then: secnd }
        - second: { set: { n: 1 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1022' at line 3

  Scenario: A task may be called like a flow word
    Given a workflow doing:
      """yaml
      do:
        - start: { set: { n: 1 } }
        - end: { set: { n: '${ .n + 1 }' } }
        - last: { set: { n: '${ .n + 1 }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      n: 3
      """
