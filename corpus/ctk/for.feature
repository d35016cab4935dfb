Feature: For
  One iteration after the other; each gets the output of the one before.

  Scenario: Item and index have default names
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { in: '${ .list }' }, do: [ { a: { set: { out: '${ (.out // []) + [ "\($index):\($item)" ] }' } } } ] }
      """
    And the workflow input is:
      """yaml
      { list: [ x, y ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { out: [ '0:x', '1:y' ] }
      """

  Scenario: Item and index under names of their own
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { each: color, at: nth, in: .list }, do: [ { a: { set: { out: '${ (.out // []) + [ $nth, $color ] }' } } } ] }
      """
    And the workflow input is:
      """yaml
      { list: [ red, blue ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { out: [ 0, red, 1, blue ] }
      """

  Scenario: An empty list hands the input on
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { in: '${ .list }' }, do: [ { a: { set: { never: 1 } } } ] }
      """
    And the workflow input is:
      """yaml
      { list: [] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { list: [] }
      """
    And a should not run

  Scenario: While is asked before each item
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { each: it, in: '${ [1, 2, 3, 4] }' }, while: '${ .sum < 3 }', do: [ { a: { set: { sum: '${ .sum + $it }' } } } ] }
      """
    And the workflow input is:
      """yaml
      { sum: 0 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { sum: 3 }
      """
    And a should run 2 times

  Scenario: A list may be written out
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { each: it, in: [ 2, 3 ] }, do: [ { a: { set: { product: '${ .product * $it }' } } } ] }
      """
    And the workflow input is:
      """yaml
      { product: 7 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { product: 42 }
      """

  Scenario: Something that is no list is an error
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { in: '${ .list }' }, do: [ { a: { set: { n: 1 } } } ] }
      """
    And the workflow input is:
      """yaml
      { list: { a: 1 } }
      """
    When the workflow is executed
    Then the workflow should fault

  Scenario: Loops nest
    Given a workflow doing:
      """yaml
      do:
        - f:
            for: { each: a, in: '${ [1, 2] }' }
            do:
              - g: { for: { each: b, in: '${ [10, 20] }' }, do: [ { s: { set: { sum: '${ .sum + $a * $b }' } } } ] }
      """
    And the workflow input is:
      """yaml
      { sum: 0 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { sum: 90 }
      """
    And s should run 4 times

  Scenario: Exit ends this item only
    Given a workflow doing:
      """yaml
      do:
        - f:
            for: { each: it, in: '${ [1, 2, 3] }' }
            do:
              - a: { set: { n: '${ .n + $it }' }, then: exit }
              - b: { set: { n: 0 } }
      """
    And the workflow input is:
      """yaml
      { n: 0 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 6 }
      """
    And b should not run

  Scenario: Each item's effect has a key of its own
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { each: it, in: '${ [1, 2] }' }, do: [ { a: { call: act, with: { action: pay, arguments: { n: '${ $it }' } } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay' should be called 2 times
    And 'pay' should be called under 2 keys

  Scenario: The context goes on from item to item
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { each: it, in: '${ [1, 2, 3] }' }, do: [ { a: { set: { n: '${ $it }' }, export: { as: '${ { sum: (($context.sum // 0) + .n) } }' } } } ] }
        - b: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { sum: 6 }
      """

  Scenario: The items have a limit
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { tasks: 10 } } } }
      do:
        - f: { for: { in: '${ [range(50)] }' }, do: [ { a: { set: { n: 1 } } } ] }
      """
    When the workflow is executed
    Then the workflow should fault with 'too-many-tasks'
