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
    Then there should be 2 waiting runs of 'case'
    When 1 minute passes
    Then there should be 1 completed run of 'case'
    When 1 minute passes
    Then there should be 2 completed runs of 'case'

  Scenario: A concurrency key with two places
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { concurrency: { key: .customer, limit: 2 } } } }
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1 } } }
        - b: { wait: PT1M }
      """
    And the workflow input is:
      """yaml
      { customer: c1 }
      """
    When the workflow is started
    And the workflow is started
    And the workflow is started
    Then 'pay' should be called 2 times
    When 1 minute passes
    Then 'pay' should be called 3 times
    And there should be 2 completed runs of 'case'

  Scenario: A concurrency key whose newest replaces the one before
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { concurrency: { key: .customer, limit: 1, policy: replace } } } }
      do:
        - a: { wait: PT1M }
      """
    And the workflow input is:
      """yaml
      { customer: c1 }
      """
    When the workflow is started
    And the workflow is started
    Then there should be 1 cancelled run of 'case'
    When 1 minute passes
    Then there should be 1 completed run of 'case'

  Scenario: A concurrency key that refuses
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { concurrency: { key: .customer, policy: refuse } } } }
      schedule: { on: { one: { with: { type: com.example.asked } } } }
      input: { from: '.[0]' }
      do:
        - a: { wait: PT1M }
      """
    When the event is sent:
      """yaml
      { id: E-1, type: com.example.asked, data: { customer: c1 } }
      """
    And the event is sent:
      """yaml
      { id: E-2, type: com.example.asked, data: { customer: c1 } }
      """
    Then there should be 1 faulted run of 'case'
    And there should be 1 waiting run of 'case'

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

  Scenario: A batch starts when its time is up
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { batch: { size: 10, wait: PT1M } } } }
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { all: '${ . }' } }
      """
    When the event is sent:
      """yaml
      { id: E-1, type: com.example.ordered, data: 1 }
      """
    And the event is sent:
      """yaml
      { id: E-2, type: com.example.ordered, data: 2 }
      """
    Then there should be 0 runs of 'case'
    When 1 minute passes
    Then the workflow should complete with output:
      """yaml
      { all: [ 1, 2 ] }
      """

  Scenario: A batch for each value of its key
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { batch: { size: 2, wait: PT1M, key: .customer } } } }
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { n: '${ length }' } }
      """
    When the event is sent:
      """yaml
      { id: E-1, type: com.example.ordered, data: { customer: c1 } }
      """
    And the event is sent:
      """yaml
      { id: E-2, type: com.example.ordered, data: { customer: c2 } }
      """
    Then there should be 0 runs of 'case'
    When the event is sent:
      """yaml
      { id: E-3, type: com.example.ordered, data: { customer: c2 } }
      """
    Then there should be 1 completed run of 'case'
    When 1 minute passes
    Then there should be 2 completed runs of 'case'
