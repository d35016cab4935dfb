Feature: Schedule
  on, every, cron, after; missed ticks run once for the last.

  Scenario: An event starts the workflow
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { got: '${ .[0].n }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.ordered, data: { n: 3 } }
      """
    Then the workflow should complete with output:
      """yaml
      { got: 3 }
      """
    And there should be 1 completed run of 'case'

  Scenario: An event of another type starts nothing
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the event is sent:
      """yaml
      { type: com.example.other, data: { n: 3 } }
      """
    Then there should be 0 runs of 'case'

  Scenario: A condition over the data decides
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered, data: '${ .n > 5 }' } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the event is sent:
      """yaml
      { type: com.example.ordered, data: { n: 5 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.ordered, id: second, data: { n: 6 } }
      """
    Then there should be 1 run of 'case'

  Scenario: Every so often
    Given a workflow doing:
      """yaml
      schedule: { every: { minutes: 10 } }
      do:
        - a: { set: { n: 1 } }
      """
    When the workflow is published
    And 35 minutes pass
    Then there should be 3 completed runs of 'case'

  Scenario: By the clock, in UTC
    Given a workflow doing:
      """yaml
      schedule: { cron: '30 * * * *' }
      do:
        - a: { set: { n: 1 } }
      """
    When the workflow is published
    And 29 minutes pass
    Then there should be 0 runs of 'case'
    When 1 minute passes
    Then there should be 1 completed run of 'case'
    When 60 minutes pass
    Then there should be 2 completed runs of 'case'

  Scenario: After the end of the one before
    Given a workflow doing:
      """yaml
      schedule: { after: { minutes: 5 } }
      do:
        - a: { wait: PT1M }
      """
    When the workflow is started
    And 1 minute passes
    Then there should be 1 run of 'case'
    When 5 minutes pass
    Then there should be 2 runs of 'case'

  Scenario: Any of several events starts
    Given a workflow doing:
      """yaml
      schedule: { on: { any: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] } }
      do:
        - a: { set: { n: '${ .[0] }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.b, data: 2 }
      """
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """

  Scenario: All of several events start together
    Given a workflow doing:
      """yaml
      schedule: { on: { all: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] } }
      do:
        - a: { set: { n: '${ length }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.b, data: 2 }
      """
    Then there should be 0 runs of 'case'
    When the event is sent:
      """yaml
      { type: com.example.a, data: 1 }
      """
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """

  Scenario: A cron that is none is refused
    Given a workflow doing:
      """yaml
      schedule: { cron: soon }
      do:
        - a: { set: { n: 1 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 2
