Feature: Events that come in
  The same (tenant, source, id) again gets the first answer; with other content it is a conflict.

  Scenario: The same event again starts nothing
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 1 } }
      """
    And the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 1 } }
      """
    Then there should be 1 run of 'case'

  Scenario: The same id with other content is a conflict
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 1 } }
      """
    And the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 2 } }
      """
    Then it should be refused with 'event-conflict'
    And there should be 1 run of 'case'

  Scenario: The same id from another source is another event
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 1 } }
      """
    And the event is sent:
      """yaml
      { id: E-1, source: /other, type: com.example.ordered, data: { n: 2 } }
      """
    Then there should be 2 runs of 'case'

  Scenario: Forgotten after thirty days
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 1 } }
      """
    And 31 days pass
    And the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 2 } }
      """
    Then there should be 2 runs of 'case'

  Scenario: Remembered for twenty-nine days
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 1 } }
      """
    And 29 days pass
    And the event is sent:
      """yaml
      { id: E-1, source: /shop, type: com.example.ordered, data: { n: 1 } }
      """
    Then there should be 1 run of 'case'

  Scenario: An event that breaks its contract is kept and starts nothing
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: ctk.said } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the event is sent:
      """yaml
      { type: ctk.said, data: { n: text } }
      """
    Then it should be refused with 'event-contract'
    And there should be 0 runs of 'case'
