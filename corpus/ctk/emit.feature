Feature: Emit
  The event as sent is the output; it enters our own inbox under its effect key.

  Scenario: The output is the event as sent
    Given a workflow doing:
      """yaml
      do:
        - a: { emit: { event: { with: { type: com.example.said, source: https://example.com, subject: S-1, data: { n: '${ .n }' } } } } }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have properties 'id', 'source', 'type', 'time', 'specversion', 'subject', 'data'
    And the workflow output should have a 'data' property with value:
      """yaml
      { n: 1 }
      """

  Scenario: Every place and every turn is another event
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { in: '${ [1, 2] }' }, do: [ { a: { emit: { event: { with: { type: com.example.said } } } } } ] }
      """
    When the workflow is executed
    Then an event of type 'com.example.said' should be emitted 2 times

  Scenario: A round that runs again sends nothing twice
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - a: { emit: { event: { with: { type: com.example.said } } } }
              - b: { call: act, with: { action: put, arguments: { n: 1 } } }
            catch: { retry: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 3 } } } }
      """
    And 'put' answers:
      """yaml
      failed 400
      done {"ok":true}
      """
    When the workflow is executed
    Then the workflow should complete
    And an event of type 'com.example.said' should be emitted once

  Scenario: An event without a type is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { emit: { event: { with: { source: https://example.com } } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1011'

  Scenario: An event that breaks its contract is an error
    Given a workflow doing:
      """yaml
      do:
        - a: { emit: { event: { with: { type: ctk.said, data: { n: '${ "text" }' } } } } }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'
    And an event of type 'ctk.said' should be emitted 0 times

  Scenario: An event of ours starts what listens for its type
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: teller, version: '1.0.0' }
      do:
        - a: { emit: { event: { with: { type: com.example.told, data: { n: 1 } } } } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: hearer, version: '1.0.0' }
      schedule: { on: { one: { with: { type: com.example.told } } } }
      do:
        - b: { set: { n: '${ .[0].n }' } }
      """
    When the workflow is executed
    Then the workflow should complete
    And there should be 1 completed run of 'hearer'

  Scenario: Hops end a loop of events
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: echo, version: '1.0.0' }
      schedule: { on: { one: { with: { type: com.example.echo } } } }
      do:
        - a: { emit: { event: { with: { type: com.example.echo } } } }
      """
    When the event is sent:
      """yaml
      { type: com.example.echo }
      """
    And time passes
    Then there should be 33 completed runs of 'echo'

  Scenario: An id of the author's goes out
    Given a workflow doing:
      """yaml
      do:
        - a: { emit: { event: { with: { type: com.example.said, id: '${ "order-" + .id }' } } }, output: { as: '${ .id }' } }
      """
    And the workflow input is:
      """yaml
      { id: '7' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      order-7
      """
    And an event of type 'com.example.said' should be emitted once

  Scenario: A time that is none is a fault
    Given a workflow doing:
      """yaml
      do:
        - a: { emit: { event: { with: { type: com.example.said, time: '${ "soon" }' } } } }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'
    And an event of type 'com.example.said' should be emitted 0 times
