Feature: Directives, names and lists
  Where control goes, with names and lists as odd as the language allows.

  Scenario Outline: Then end, exit, continue in a nested do
    Given a workflow doing:
    """yaml
    do:
      - outer:
          do:
            - one: { set: { r: 1 }, then: <then> }
            - two: { set: { r: 2 } }
      - after: { set: { r: '${ .r }', after: true } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    <out>
    """
    Examples:
      | then     | out                   |
      | end      | { r: 1 }              |
      | exit     | { r: 1, after: true } |
      | continue | { r: 2, after: true } |
      | two      | { r: 2, after: true } |

  Scenario: Exit in the main list ends the workflow
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { r: 1 }, then: exit }
      - b: { set: { r: 2 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 1
    """
    And b should not run

  Scenario: Then to an earlier task, a loop with a switch
    Given a workflow doing:
    """yaml
    do:
      - init: { set: { n: 0 } }
      - inc: { set: { n: '${ .n + 1 }' } }
      - check:
          switch:
            - again: { when: .n < 4, then: inc }
            - done: { then: end }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 4
    """
    And inc should run 4 times

  Scenario: Then to nowhere is refused with the nearest word
    Given a workflow doing:
    """yaml
    do:
      - first: { set: { n: 0 }, then: secnd }
      - second: { set: { n: 0 } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1022'
    And the refusal should say 'second'

  Scenario: Then cannot reach another scope
    Given a workflow doing:
    """yaml
    do:
      - first:
          do:
            - in: { set: { n: 0 }, then: second }
      - second: { set: { n: 0 } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1022'

  Scenario: The same name in different lists
    Given a workflow doing:
    """yaml
    do:
      - a:
          do:
            - a: { set: { n: 1 }, then: b }
            - x: { set: { n: 99 } }
            - b: { set: { n: '${ .n + 1 }' } }
      - b: { set: { n: '${ .n + 10 }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 12
    """

  Scenario: If on a task with then, skipped, still follows its then
    Given a workflow doing:
    """yaml
    do:
      - a: { if: 'false', set: { n: 1 }, then: c }
      - b: { set: { n: 2 } }
      - c: { set: { seen: '${ . }' } }
    """
    And the workflow input is:
    """yaml
    q: 1
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario Outline: If on every kind
    Given a workflow doing:
    """yaml
    use: { errors: { oops: { type: https://example.com/oops, status: 400 } } }
    do:
      - a: { if: 'false', <task> }
      - z: { set: { got: '${ . }' } }
    """
    And the workflow input is:
    """yaml
    q: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: { q: 1 }
    """
    And a should be skipped
    Examples:
      | task                                                                       |
      | set: { n: 1 }                                                              |
      | do: [ { b: { set: { n: 1 } } } ]                                           |
      | for: { in: '[1]' }, do: [ { b: { set: { n: 1 } } } ]                       |
      | fork: { branches: [ { b: { set: { n: 1 } } } ] }                           |
      | raise: { error: oops }                                                     |
      | switch: [ { c: { then: end } } ]                                           |
      | try: [ { b: { set: { n: 1 } } } ], catch: {}                               |
      | wait: PT1H                                                                 |
      | emit: { event: { with: { type: a.b, source: https://e.com } } }            |
      | listen: { to: { one: { with: { type: a.b } } } }                           |
      | call: http, with: { method: get, endpoint: https://nowhere.invalid/x }     |

  Scenario: Switch, first of several matches in declared order
    Given a workflow doing:
    """yaml
    do:
      - s:
          switch:
            - x: { when: .n > 1, then: one }
            - y: { when: .n > 0, then: two }
      - one: { set: { r: 1 }, then: end }
      - two: { set: { r: 2 }, then: end }
    """
    And the workflow input is:
    """yaml
    n: 5
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 1
    """

  Scenario: Switch, a default case first is still the default
    Given a workflow doing:
    """yaml
    do:
      - s:
          switch:
            - otherwise: { then: two }
            - x: { when: .n > 1, then: one }
      - one: { set: { r: 1 }, then: end }
      - two: { set: { r: 2 }, then: end }
    """
    And the workflow input is:
    """yaml
    n: 5
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 1
    """

  Scenario: Switch, none matches, follows its own then
    Given a workflow doing:
    """yaml
    do:
      - s:
          switch:
            - x: { when: .n > 10, then: one }
          then: two
      - one: { set: { r: 1 }, then: end }
      - two: { set: { r: 2 } }
    """
    And the workflow input is:
    """yaml
    n: 5
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 2
    """

  Scenario: Switch, none matches and no then, goes on
    Given a workflow doing:
    """yaml
    do:
      - s:
          switch:
            - x: { when: .n > 10, then: end }
      - one: { set: { r: 1 } }
    """
    And the workflow input is:
    """yaml
    n: 5
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 1
    """

  Scenario: Two default cases are refused
    Given a workflow doing:
    """yaml
    do:
      - s:
          switch:
            - x: { then: end }
            - y: { then: end }
    """
    When the workflow is published
    Then the refusal should say 'neither has `x`'

  Scenario: Switch with continue and exit inside a do
    Given a workflow doing:
    """yaml
    do:
      - o:
          do:
            - s:
                switch:
                  - x: { when: '${ .n == 5 }', then: exit }
                  - y: { when: '${ .n == 6 }', then: continue }
            - k: { set: { r: 1 } }
      - z: { set: { r: '${ .r }', z: 1 } }
    """
    And the workflow input is:
    """yaml
    n: 5
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: null
    z: 1
    """

  Scenario: Switch outputs its input, with output.as
    Given a workflow doing:
    """yaml
    do:
      - s:
          input: { from: '{ m: .n }' }
          switch:
            - x: { when: .m == 5, then: continue }
          output: { as: '{ k: .m }' }
    """
    And the workflow input is:
    """yaml
    n: 5
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    k: 5
    """

  Scenario: Continue and end in the main list
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { n: 1 }, then: continue }
      - b: { set: { n: 2 }, then: end }
      - c: { set: { n: 3 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 2
    """

  Scenario: Unicode and odd task names
    Given a workflow doing:
    """yaml
    do:
      - größe prüfen: { set: { n: 1 }, then: "日本" }
      - skipped: { set: { n: 9 } }
      - "日本": { set: { n: '${ .n + 1 }', ref: '${ $task.reference }', name: '${ $task.name }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 2
    ref: 日本
    name: 日本
    """

  Scenario: Names with a slash and a tilde are escaped in the pointer
    Given a workflow doing:
    """yaml
    do:
      - "a/b~c": { set: { ref: '${ $task.reference }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    ref: a~1b~0c
    """

  Scenario: An empty do list
    Given a workflow doing:
    """yaml
    do:
      - a: { do: [] }
      - b: { set: { got: '${ . }' } }
    """
    And the workflow input is:
    """yaml
    q: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: { q: 1 }
    """

  Scenario: A workflow with an empty do
    Given a workflow doing:
    """yaml
    do: []
    """
    And the workflow input is:
    """yaml
    q: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    q: 1
    """

  Scenario: Deep nesting
    Given a workflow doing:
    """yaml
    do:
      - l1: { do: [ { l2: { do: [ { l3: { do: [ { l4: { do: [ { l5: { do: [ { l6: { do: [ { l7: { do: [ { l8: { set: { ref: '${ $task.reference }' } } } ] } } ] } } ] } } ] } } ] } } ] } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    ref: l1/l2/l3/l4/l5/l6/l7/l8
    """

  Scenario: Where control goes is no expression
    Given a workflow doing:
    """yaml
    do:
      - loop:
          for: { in: '[1,2,3]' }
          do:
            - s: { set: { i: '${ $item }' }, then: '${ "end" }' }
    """
    When the workflow is published
    Then the document should be refused with 'PV1022'

  Scenario: End inside for ends the workflow with that output
    Given a workflow doing:
    """yaml
    do:
      - loop:
          for: { in: '[1,2,3]' }
          do:
            - s: { set: { i: '${ $item }' } }
            - w: { switch: [ { two: { when: .i == 2, then: end } } ] }
      - z: { set: { never: 1 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    i: 2
    """

  Scenario: Exit inside for ends this iteration only
    Given a workflow doing:
    """yaml
    do:
      - loop:
          for: { each: x, in: '[1,2,3]' }
          do:
            - s: { set: { n: '${ (.n // 0) + $x }' }, then: exit }
            - w: { set: { never: 1 } }
      - z: { set: { n: '${ .n }', z: 1 } }
    """
    When the workflow is executed
    Then the workflow should complete
