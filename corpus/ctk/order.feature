Feature: Order, concurrency and batches
  An ordering key makes a line; a concurrency key limits how many run; a batch gathers events.

  Scenario: Later ones of a key wait for their turn
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { order: .customer } } }
      do:
        - a: { call: act, with: { action: pay, arguments: { n: '${ .n }' } } }
        - b: { wait: PT1M }
      """
    And the workflow input is:
      """yaml
      { customer: c1, n: 1 }
      """
    When the workflow is started
    And the workflow input is:
      """yaml
      { customer: c1, n: 2 }
      """
    And the workflow is started
    Then 'pay' should be called once
    When 1 minute passes
    Then 'pay' should be called 2 times
    When 1 minute passes
    Then there should be 2 completed runs of 'case'

  Scenario: Another key has another line
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { order: .customer } } }
      do:
        - a: { wait: PT1M }
      """
    And the workflow input is:
      """yaml
      { customer: c1 }
      """
    When the workflow is started
    And the workflow input is:
      """yaml
      { customer: c2 }
      """
    And the workflow is started
    And 1 minute passes
    Then there should be 2 completed runs of 'case'

  Scenario: A concurrency key that queues
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { concurrency: { key: .customer, limit: 1, policy: queue } } } }
      do:
        - a: { wait: PT1M }
      """
    And the workflow input is:
      """yaml
      { customer: c1 }
      """
    When the workflow is started
    And the workflow is started
    And 1 minute passes
    Then there should be 1 completed run of 'case'
    When 1 minute passes
    Then there should be 2 completed runs of 'case'

  Scenario: A batch starts once for several events
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { batch: { size: 2, wait: PT1M } } } }
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { n: '${ length }' } }
      """
    When the event is sent:
      """yaml
      { id: E-1, type: com.example.ordered, data: 1 }
      """
    Then there should be 0 runs of 'case'
    When the event is sent:
      """yaml
      { id: E-2, type: com.example.ordered, data: 2 }
      """
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """
