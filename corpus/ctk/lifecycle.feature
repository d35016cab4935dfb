Feature: Life of an orchestration
  It runs or waits, then completes, faults or is cancelled; what left something behind is parked and can be redriven.

  Scenario: It waits, then completes
    Given a workflow doing:
      """yaml
      do: [ { a: { wait: PT1M } } ]
      """
    When the workflow is started
    Then the workflow should wait
    When 1 minute passes
    Then the workflow should complete

  Scenario: What has completed takes no command
    Given a workflow doing:
      """yaml
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is executed
    And the workflow is redriven
    Then it should be refused with 'already-ended'

  Scenario: What runs cannot be redriven
    Given a workflow doing:
      """yaml
      do: [ { a: { wait: PT1M } } ]
      """
    When the workflow is started
    And the workflow is redriven
    Then it should be refused with 'not-parked'

  Scenario: A redrive begins at the task that failed and keeps the key
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: put, arguments: { n: 1 } } }
        - b: { call: act, with: { action: pay, arguments: { n: 2 } } }
      """
    And 'pay' answers:
      """yaml
      failed 400
      done {"id":2}
      """
    When the workflow is executed
    Then the workflow should be parked with 'communication'
    When the workflow is redriven
    And time passes
    Then the workflow should complete with output:
      """yaml
      { id: 2 }
      """
    And 'put' should be called once
    And 'pay' should be called 2 times
    And 'pay' should be called under 1 key

  Scenario: What is parked can be cancelled
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 2 } } }
      """
    And 'pay' answers:
      """yaml
      failed 400
      """
    When the workflow is executed
    Then the workflow should be parked with 'communication'
    When the workflow is cancelled
    Then the workflow should cancel

  Scenario: Two runs of one workflow know nothing of each other
    Given a workflow doing:
      """yaml
      do: [ { a: { set: { n: '${ .n + 1 }' }, export: { as: '${ $context + . }' } } } ]
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """
    And the workflow input is:
      """yaml
      { n: 5 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 6 }
      """
    And the context should be:
      """yaml
      { n: 6 }
      """

  Scenario: Lifecycle events tell of the workflow and of each task
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 } }
        - b: { wait: PT1M }
      """
    When the workflow is executed
    Then the lifecycle of the workflow should be: started, completed
    And the lifecycle of 'a' should be: created, started, completed
    And the lifecycle of 'b' should be: created, started, completed
    And the phases of 'b' should be: waiting, completed
    And the 'workflow.started' lifecycle event should have a 'data.definition' property with value:
      """yaml
      { name: case, namespace: ctk, version: '1.0.0' }
      """
    And the 'task.completed' lifecycle event should have a 'data.task' property with value:
      """yaml
      /do/1/b
      """
    And the 'workflow.completed' lifecycle event should have a 'data.output' property with value:
      """yaml
      { n: 1 }
      """
    And the 'workflow.completed' lifecycle event should have a 'specversion' property with value:
      """yaml
      '1.0'
      """

  Scenario: A skipped task has no lifecycle events
    Given a workflow doing:
      """yaml
      do:
        - a: { if: '${ false }', set: { n: 1 } }
        - b: { set: { n: 2 } }
      """
    When the workflow is executed
    Then the workflow should complete
    And the lifecycle of 'a' should be: nothing
    And the lifecycle of 'b' should be: created, started, completed

  Scenario: An error that is taken faults the tasks that it went through
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - outer:
                  do:
                    - bad: { raise: { error: { type: 'https://serverlessworkflow.io/spec/1.0.0/errors/runtime', status: 500, title: no } } }
            catch: { do: [ { mend: { set: { ok: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete
    And the lifecycle of 'bad' should be: created, started, faulted
    And the lifecycle of 'outer' should be: created, started, faulted
    And the lifecycle of 'mend' should be: created, started, completed
    And the lifecycle of 't' should be: created, started, completed
    And the 'task.faulted' lifecycle event should have a 'data.error.title' property with value:
      """yaml
      no
      """

  Scenario: A retry is told of its try, and the tasks inside begin again
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
            catch:
              retry: { delay: PT1M, limit: { attempt: { count: 3 } } }
      """
    And 'pay' answers:
      """yaml
      failed 400
      done {"id":1}
      """
    When the workflow is executed
    Then the workflow should complete
    And the lifecycle of 't' should be: created, started, retried, completed
    And the phases of 't' should be: running, waiting, running, completed
    And the lifecycle of 'a' should be: created, started, faulted, created, started, completed

  Scenario: The losers of a competition are cancelled
    Given a workflow doing:
      """yaml
      do:
        - f:
            fork:
              compete: true
              branches:
                - quick: { wait: PT1S }
                - slow: { do: [ { inner: { wait: PT1H } } ] }
      """
    When the workflow is executed
    Then the workflow should complete
    And the lifecycle of 'quick' should be: created, started, completed
    And the lifecycle of 'slow' should be: created, started, cancelled
    And the lifecycle of 'inner' should be: created, started, cancelled
    And the lifecycle of 'f' should be: created, started, completed

  Scenario: What is parked is suspended, and resumes with a redrive
    Given a workflow doing:
      """yaml
      do:
        - list:
            do:
              - a: { call: act, with: { action: pay, arguments: { n: 2 } } }
      """
    And 'pay' answers:
      """yaml
      failed 400
      done {"id":2}
      """
    When the workflow is executed
    Then the lifecycle of the workflow should be: started, suspended
    And the lifecycle of 'list' should be: created, started, suspended
    And the lifecycle of 'a' should be: created, started, faulted
    When the workflow is redriven
    And time passes
    Then the lifecycle of the workflow should be: started, suspended, resumed, completed
    And the lifecycle of 'list' should be: created, started, suspended, resumed, completed
    And the lifecycle of 'a' should be: created, started, faulted, created, started, completed

  Scenario: A cancellation cancels what is open
    Given a workflow doing:
      """yaml
      do: [ { list: { do: [ { a: { wait: PT1H } } ] } } ]
      """
    When the workflow is started
    And the workflow is cancelled
    Then the workflow should cancel
    And the lifecycle of the workflow should be: started, cancelled
    And the phases of the workflow should be: waiting, cancelled
    And the lifecycle of 'list' should be: created, started, cancelled
    And the lifecycle of 'a' should be: created, started, cancelled

  Scenario: An uncaught error faults the workflow and its tasks
    Given a workflow doing:
      """yaml
      do:
        - list:
            do: [ { bad: { raise: { error: { type: 'https://serverlessworkflow.io/spec/1.0.0/errors/runtime', status: 500, title: no } } } } ]
      """
    When the workflow is executed
    Then the workflow should fault
    And the lifecycle of the workflow should be: started, faulted
    And the lifecycle of 'list' should be: created, started, faulted
    And the 'workflow.faulted' lifecycle event should have a 'data.error.status' property with value:
      """yaml
      500
      """

  Scenario: Listening is correlation, with the keys that were found
    Given a workflow doing:
      """yaml
      do:
        - l:
            listen:
              to:
                one:
                  with: { type: order.paid }
                  correlate: { order: { from: '${ .data.order }' } }
      """
    When the workflow is started
    Then the lifecycle of the workflow should be: started, correlation-started
    And the phases of 'l' should be: waiting
    When the event is sent:
      """yaml
      { type: order.paid, data: { order: 'o-1' } }
      """
    Then the workflow should complete
    And the lifecycle of the workflow should be: started, correlation-started, correlation-completed, completed
    And the 'workflow.correlation-completed' lifecycle event should have a 'data.correlationKeys.order' property with value:
      """yaml
      o-1
      """
