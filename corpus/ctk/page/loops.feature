Feature: Loops and forks
  Every member of `for` and `fork`, and their variables.

  Scenario: For with each, at and while, over a bare expression
    Given a workflow doing:
    """yaml
    do:
      - loop:
          for: { each: pet, in: .pets, at: i }
          while: '(.seen // []) | length < 2'
          do:
            - s: { set: { seen: '${ (.seen // []) + ["\($i)-\($pet)"] }' } }
    """
    And the workflow input is:
    """yaml
    pets: [ a, b, c, d ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    seen: [ 0-a, 1-b ]
    """
    And s should run 2 times

  Scenario: For with the default names item and index, wrapped expression
    Given a workflow doing:
    """yaml
    do:
      - loop:
          for: { in: '${ .pets }' }
          do:
            - s: { set: { r: '${ (.r // "") + $item + ($index | tostring) }' } }
    """
    And the workflow input is:
    """yaml
    pets: [ a, b ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: a0b1
    """

  Scenario: For over an inline array of objects, with expressions in it
    Given a workflow doing:
    """yaml
    do:
      - loop:
          for:
            each: x
            in:
              - { n: 1 }
              - { n: '${ $context | length + 5 }' }
          do:
            - s: { set: { r: '${ (.r // 0) + $x.n }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 6
    """

  Scenario: For over nothing gives its input
    Given a workflow doing:
    """yaml
    do:
      - loop:
          input: { from: '{ y: .x }' }
          for: { in: '[]' }
          do:
            - s: { set: { never: 1 } }
    """
    And the workflow input is:
    """yaml
    x: 3
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    y: 3
    """
    And s should not run

  Scenario: For over something that is no list
    Given a workflow doing:
    """yaml
    do:
      - loop:
          for: { in: .x }
          do:
            - s: { set: { never: 1 } }
    """
    And the workflow input is:
    """yaml
    x: 3
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/expression
    instance: /do/0/loop
    """

  Scenario: For with output.as and export
    Given a workflow doing:
    """yaml
    do:
      - loop:
          for: { each: x, in: '[1,2,3]' }
          do:
            - s: { set: { sum: '${ (.sum // 0) + $x }' } }
          output: { as: .sum }
          export: { as: '{ sum: . }' }
      - r: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    sum: 6
    """

  Scenario: Nested for keeps both variables
    Given a workflow doing:
    """yaml
    do:
      - o:
          for: { each: a, in: '[1,2]' , at: ai }
          do:
            - i:
                for: { each: b, in: '[10,20]', at: bi }
                do:
                  - s: { set: { r: '${ (.r // []) + [ $a + $b + $ai + $bi ] }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: [ 11, 22, 13, 24 ]
    """

  Scenario: Error instance inside for
    Given a workflow doing:
    """yaml
    do:
      - o:
          for: { each: a, in: '[1,2]' }
          do:
            - s: { set: { r: 1 } }
            - f: { raise: { error: { type: https://e.com/x, status: 418 } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://e.com/x
    status: 418
    instance: /do/0/o/do/1/f
    """

  Scenario: A variable of a loop is unknown outside
    Given a workflow doing:
    """yaml
    do:
      - o:
          for: { each: a, in: '[1,2]' }
          do: [ { s: { set: { r: '${ $a }' } } } ]
      - z: { set: { r: '${ $a }' } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1026'
    And the refusal should say '$a'

  Scenario: While that does not hold at the start
    Given a workflow doing:
    """yaml
    do:
      - o:
          for: { in: '[1,2]' }
          while: 'false'
          do: [ { s: { set: { r: 1 } } } ]
    """
    And the workflow input is:
    """yaml
    q: 3
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    q: 3
    """

  Scenario: Fork gives an array in declared order, never in completion order
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - slow: { do: [ { w: { wait: PT10S } }, { s: { set: { r: slow } } } ] }
              - fast: { set: { r: fast } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ { r: slow }, { r: fast } ]
    """
    And fast should run before slow

  Scenario: Fork compete, the winner's output, the loser cancelled
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            compete: true
            branches:
              - slow: { do: [ { w: { wait: PT10S } }, { s: { set: { r: slow } } } ] }
              - fast: { do: [ { v: { wait: { seconds: 1 } } }, { t: { set: { r: fast } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: fast
    """
    And slow should cancel
    And s should not run
    And the workflow should take 1 seconds

  Scenario: Fork, each branch gets the input of the fork
    Given a workflow doing:
    """yaml
    do:
      - f:
          input: { from: .n }
          fork:
            branches:
              - a: { set: { r: '${ . + 1 }' } }
              - b: { set: { r: '${ $input + 2 }' } }
          output: { as: 'map(.r)' }
    """
    And the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ 2, 3 ]
    """

  Scenario: One branch faults, the fork faults and the others are cancelled
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f:
                fork:
                  branches:
                    - w: { wait: PT1H }
                    - bad: { raise: { error: { type: https://e.com/x, status: 500, title: Bad } } }
          catch:
            as: e
            do: [ { h: { set: { i: '${ $e.instance }', t: '${ $e.title }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    i: /do/0/t/try/0/f/fork/branches/1/bad
    t: Bad
    """
    And w should cancel

  Scenario: Export in branches is merged at the join in declared order
    Given a workflow doing:
    """yaml
    do:
      - z: { set: { k: 0 }, export: { as: '{ kept: 1 }' } }
      - f:
          fork:
            branches:
              - a: { set: { v: 1 }, export: { as: '$context + { a: .v }' } }
              - b: { set: { v: 2 }, export: { as: '$context + { b: .v, sawA: ($context.a != null) }' } }
      - r: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    kept: 1
    a: 1
    b: 2
    sawA: false
    """

  Scenario: The same literal key from two branches is refused at publish
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - a: { set: { v: 1 }, export: { as: '$context + { same: .v }' } }
              - b: { set: { v: 2 }, export: { as: '$context + { same: .v }' } }
    """
    When the workflow is published
    Then the refusal should say 'same'

  Scenario: The same computed key from two branches is fork-conflict at the join
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f:
                fork:
                  branches:
                    - a: { set: { v: 1 }, export: { as: '$context + { ($workflow.input.k): .v }' } }
                    - b: { set: { v: 2 }, export: { as: '$context + { ($workflow.input.k): .v }' } }
          catch:
            do: [ { h: { set: { t: '${ $error.type | split("/") | last }' } } } ]
    """
    And the workflow input is:
    """yaml
    k: x
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    t: fork-conflict
    """

  Scenario: A fork in a fork
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - g:
                  fork:
                    branches:
                      - a: { set: { v: 1 } }
                      - b: { set: { v: 2 } }
              - c: { set: { v: 3 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ [ { v: 1 }, { v: 2 } ], { v: 3 } ]
    """

  Scenario: A fork of one branch
    Given a workflow doing:
    """yaml
    do:
      - f: { fork: { branches: [ { a: { set: { v: 1 } } } ] } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ { v: 1 } ]
    """

  Scenario: Compete where a branch faults first, the fork faults
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            compete: true
            branches:
              - bad: { raise: { error: { type: https://e.com/x, status: 500 } } }
              - w: { wait: PT1S }
    """
    When the workflow is executed
    Then the workflow should fault

  Scenario: Fork in for with export
    Given a workflow doing:
    """yaml
    do:
      - o:
          for: { each: x, in: '[1,2]' }
          do:
            - f:
                fork:
                  branches:
                    - a: { set: { v: '${ $x }' } }
                    - b: { set: { v: '${ $x * 10 }' } }
                output: { as: 'map(.v) | add' }
                export: { as: '$context + { "k\($x)": . }' }
      - r: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    k1: 11
    k2: 22
    """

  Scenario: Then exit inside a fork branch
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - a: { do: [ { x: { set: { v: 1 }, then: exit } }, { y: { set: { v: 2 } } } ] }
              - b: { set: { v: 3 } }
      - z: { set: { r: '${ . }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: [ { v: 1 }, { v: 3 } ]
    """

  Scenario: A branch with if false hands its input on
    Given a workflow doing:
    """yaml
    do:
      - f:
          fork:
            branches:
              - a: { if: 'false', set: { v: 1 } }
              - b: { set: { v: 3 } }
    """
    And the workflow input is:
    """yaml
    q: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ { q: 1 }, { v: 3 } ]
    """
