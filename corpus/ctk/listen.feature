Feature: Listen
  One, any, all; until, foreach, correlation; an event that came before is taken once, oldest first.

  Scenario: One event that fits is taken
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.paid } } } } }
      """
    When the workflow is started
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.other, data: { n: 1 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.paid, data: { n: 2 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ { n: 2 } ]
      """

  Scenario: A condition over the data picks the event
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.heat, data: '${ .celsius > 38 }' } } } } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.heat, data: { celsius: 37 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.heat, data: { celsius: 39 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ { celsius: 39 } ]
      """

  Scenario: Subject and source pick the event
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.paid, source: /shop, subject: R-1 } } } } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.paid, source: /shop, subject: R-2, data: 1 }
      """
    And the event is sent:
      """yaml
      { type: com.example.paid, source: /other, subject: R-1, data: 2 }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.paid, source: /shop, subject: R-1, data: 3 }
      """
    Then the workflow should complete with output:
      """yaml
      [ 3 ]
      """

  Scenario: Any takes the first of several
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { any: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] } } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.b, data: b }
      """
    Then the workflow should complete with output:
      """yaml
      [ b ]
      """

  Scenario: All waits for every one, in any order
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { all: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] } }, output: { as: '${ sort }' } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.b, data: b }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.a, data: a }
      """
    Then the workflow should complete with output:
      """yaml
      [ a, b ]
      """

  Scenario: All takes nothing twice for one place
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { all: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] } }, output: { as: '${ length }' } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.a, data: 1 }
      """
    And the event is sent:
      """yaml
      { type: com.example.a, data: 2 }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.b, data: 3 }
      """
    Then the workflow should complete with output:
      """yaml
      2
      """

  Scenario: Until a condition over what was taken
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { any: [], until: '( . | length ) > 2' } }, output: { as: '${ length }' } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.a, data: 1 }
      """
    And the event is sent:
      """yaml
      { type: com.example.b, data: 2 }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.c, data: 3 }
      """
    Then the workflow should complete with output:
      """yaml
      3
      """

  Scenario: Until an event that is not taken itself
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { any: [ { with: { type: com.example.a } } ], until: { one: { with: { type: com.example.stop } } } } } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.a, data: 1 }
      """
    And the event is sent:
      """yaml
      { type: com.example.a, data: 2 }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.stop, data: 3 }
      """
    Then the workflow should complete with output:
      """yaml
      [ 1, 2 ]
      """

  Scenario: Foreach runs for one event after the other
    Given a workflow doing:
      """yaml
      do:
        - l:
            listen: { to: { any: [ { with: { type: com.example.a } } ], until: '${ length >= 2 }' } }
            foreach: { item: event, at: nth, do: [ { s: { call: act, with: { action: put, arguments: { n: '${ $event.n }', nth: '${ $nth }' } } } } ] }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.a, data: { n: 5 } }
      """
    Then 'put' should be called with:
      """yaml
      { n: 5, nth: 0 }
      """
    When the event is sent:
      """yaml
      { type: com.example.a, data: { n: 6 } }
      """
    Then the workflow should complete
    And 'put' should be called with:
      """yaml
      { n: 6, nth: 1 }
      """

  Scenario: The envelope is read where the document says so
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.paid } } }, read: envelope }, output: { as: '${ .[0].type }' } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.paid, data: 1 }
      """
    Then the workflow should complete with output:
      """yaml
      com.example.paid
      """

  Scenario: An event that came before is taken by a later listen
    Given a workflow doing:
      """yaml
      do:
        - w: { wait: PT1H }
        - l: { listen: { to: { one: { with: { type: com.example.paid } } } } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.paid, data: early }
      """
    And 1 hour passes
    Then the workflow should complete with output:
      """yaml
      [ early ]
      """

  Scenario: The oldest that fits is taken first, and once
    Given a workflow doing:
      """yaml
      do:
        - w: { wait: PT1H }
        - l: { listen: { to: { one: { with: { type: com.example.paid } } } }, export: { as: '${ { first: .[0] } }' } }
        - m: { listen: { to: { one: { with: { type: com.example.paid } } } }, output: { as: '${ [ $context.first, .[0] ] }' } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.paid, data: 1 }
      """
    And 1 minute passes
    And the event is sent:
      """yaml
      { type: com.example.paid, data: 2 }
      """
    And 1 hour passes
    Then the workflow should complete with output:
      """yaml
      [ 1, 2 ]
      """

  Scenario: An event that came before the orchestration is not taken
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.paid } } } } }
      """
    When the workflow is published
    And the event is sent:
      """yaml
      { type: com.example.paid, data: early }
      """
    And 1 second passes
    And the workflow is started
    Then the workflow should wait

  Scenario: An unmatched event is forgotten after a day
    Given a workflow doing:
      """yaml
      do:
        - w: { wait: PT25H }
        - l: { listen: { to: { one: { with: { type: com.example.paid } } } } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.paid, data: early }
      """
    And 26 hours pass
    Then the workflow should wait

  Scenario: A listen that takes too long faults
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { l: { listen: { to: { one: { with: { type: com.example.paid } } } }, timeout: { after: PT1M } } } ], catch: { errors: { with: { status: 408 } }, do: [ { h: { set: { late: true } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { late: true }
      """
    And the workflow should take 1 minute

  Scenario: A listen that is cancelled takes nothing more
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.paid } } } } }
      """
    When the workflow is started
    And the workflow is cancelled
    Then the workflow should cancel
    When the event is sent:
      """yaml
      { type: com.example.paid, data: 1 }
      """
    Then the workflow should cancel

  Scenario: One of one, any and all
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: a } }, any: [] } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 3
