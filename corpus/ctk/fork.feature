Feature: Fork
  Every branch gets the same input; the output is the list of their outputs in declared order, or the first one where they compete.

  Scenario: Outputs stand in declared order, not in order of completion
    Given a workflow doing:
      """yaml
      do:
        - f:
            fork:
              branches:
                - slow: { do: [ { w: { wait: PT5S } }, { a: { set: { by: slow } } } ] }
                - fast: { set: { by: fast } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      [ { by: slow }, { by: fast } ]
      """
    And fast should run before slow
    And the workflow should take 5 seconds

  Scenario: Every branch gets the input of the fork
    Given a workflow doing:
      """yaml
      do:
        - f: { fork: { branches: [ { a: { set: { n: '${ .n + 1 }' } } }, { b: { set: { n: '${ .n + 2 }' } } } ] } }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      [ { n: 2 }, { n: 3 } ]
      """

  Scenario: Branches run at the same time
    Given a workflow doing:
      """yaml
      do:
        - f: { fork: { branches: [ { a: { wait: PT10S } }, { b: { wait: PT10S } }, { c: { wait: PT10S } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 10 seconds

  Scenario: The first of competing branches is the output
    Given a workflow doing:
      """yaml
      do:
        - f:
            fork:
              compete: true
              branches:
                - slow: { do: [ { w: { wait: PT5S } }, { a: { set: { by: slow } } } ] }
                - fast: { do: [ { v: { wait: PT1S } }, { b: { set: { by: fast } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: fast }
      """
    And a should not run
    And the workflow should take 1 second

  Scenario: The losers of a competition are given up
    Given a workflow doing:
      """yaml
      do:
        - f:
            fork:
              compete: true
              branches:
                - slow: { wait: PT5S }
                - fast: { wait: PT1S }
      """
    When the workflow is executed
    Then the workflow should complete
    And slow should cancel

  Scenario: An error of a branch is the error of the fork
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - f: { fork: { branches: [ { a: { wait: PT1H } }, { b: { raise: { error: { type: https://example.com/oops, status: 400, title: Oops } } } } ] } }
            catch: { as: e, do: [ { h: { set: { title: '${ $e.title }' } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { title: Oops }
      """
    And the workflow should take 0 seconds

  Scenario: Exports of branches are merged at the join
    Given a workflow doing:
      """yaml
      do:
        - f: { fork: { branches: [ { a: { set: { n: 1 }, export: { as: '${ $context + { a: .n } }' } } }, { b: { set: { n: 2 }, export: { as: '${ $context + { b: .n } }' } } } ] } }
        - c: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { a: 1, b: 2 }
      """

  Scenario: The context of a branch is its own until the join
    Given a workflow doing:
      """yaml
      do:
        - f:
            fork:
              branches:
                - a: { set: { n: 1 }, export: { as: '${ { a: .n } }' } }
                - b: { do: [ { w: { wait: PT1S } }, { s: { set: '${ $context }' } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      [ { n: 1 }, {} ]
      """

  Scenario: The same literal key from two branches is refused
    Given a workflow doing:
      """yaml
      do:
        - f: { fork: { branches: [ { a: { set: { n: 1 }, export: { as: { k: 1 } } } }, { b: { set: { n: 2 }, export: { as: { k: 2 } } } } ] } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1045'

  Scenario: The same computed key from two branches is an error at the join
    Given a workflow doing:
      """yaml
      do:
        - f: { fork: { branches: [ { a: { set: { n: 1 }, export: { as: '${ { ($workflow.input.k): 1 } }' } } }, { b: { set: { n: 2 }, export: { as: '${ { ($workflow.input.k): 2 } }' } } } ] } }
      """
    And the workflow input is:
      """yaml
      { k: x }
      """
    When the workflow is executed
    Then the workflow should fault with 'fork-conflict'

  Scenario: Branches nest
    Given a workflow doing:
      """yaml
      do:
        - f:
            fork:
              branches:
                - a: { set: { n: 1 } }
                - b: { fork: { branches: [ { c: { set: { n: 2 } } }, { d: { set: { n: 3 } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      [ { n: 1 }, [ { n: 2 }, { n: 3 } ] ]
      """

  Scenario: Then between branches is refused
    Given a workflow doing:
      """yaml
      do:
        - f: { fork: { branches: [ { a: { set: { n: 1 }, then: b } }, { b: { set: { n: 2 } } } ] } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1022' at line 3

  Scenario: A branch that hands on what it does not trust changes nothing of it
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: '${ . }' } }, export: { as: '${ $context + { ("k\(.n)"): .n } }' } }
        - f:
            fork:
              branches:
                - x: { set: { n: 1 }, export: { as: '${ $context + { ("x\($context.k4)"): .n } }' } }
                - y: { set: { n: 2 }, export: { as: '${ $context + { ("k\($context.k4)"): 5 } }' } }
        - out: { set: '${ $context }' }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do: [ { c: { set: { n: '${ .n }' } } } ]
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { k4: 5, x4: 1 }
      """

  Scenario: A branch may leave what it does not trust behind
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: '${ . }' } }, export: { as: '${ $context + { ("k\(.n)"): .n } }' } }
        - f:
            fork:
              branches:
                - x: { set: { n: 1 }, export: { as: '${ { n: 2 } }' } }
        - out: { set: '${ $context }' }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do: [ { c: { set: { n: '${ .n }' } } } ]
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """
