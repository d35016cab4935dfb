Feature: Extensions
  Lists before and after every task of a kind; what they return is dropped.

  Scenario: Before and after the task
    Given a workflow doing:
      """yaml
      use: { extensions: [ { log: { extend: wait, before: [ { b: { set: { x: 1 } } } ], after: [ { c: { set: { x: 2 } } } ] } } ] }
      do:
        - a: { wait: PT1S }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """
    And b should run before c
    And b should run once

  Scenario: A kind that is not extended is left alone
    Given a workflow doing:
      """yaml
      use: { extensions: [ { log: { extend: wait, before: [ { b: { raise: { error: { type: https://example.com/no, status: 400, title: No } } } } ] } } ] }
      do:
        - a: { set: { n: 2 } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """
    And b should not run

  Scenario: Exit before the task leaves it
    Given a workflow doing:
      """yaml
      use: { extensions: [ { mock: { extend: call, before: [ { m: { set: { id: mocked }, then: exit } } ] } } ] }
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: mocked }
      """
    And 'pay' should be called 0 times

  Scenario: A condition decides
    Given a workflow doing:
      """yaml
      use: { extensions: [ { mock: { extend: call, when: '${ $task.with.action == "pay" }', before: [ { m: { set: { id: mocked }, then: exit } } ] } } ] }
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
        - b: { call: act, with: { action: put, arguments: { n: 1 } } }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay' should be called 0 times
    And 'put' should be called once
