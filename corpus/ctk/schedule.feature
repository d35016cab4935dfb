Feature: Schedule
  on, every, cron, after, in time zones; missed ticks run once for the last; an event starts once, by itself or with others.

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

  Scenario: After the end, again and again, without a start by hand
    Given a workflow doing:
      """yaml
      schedule: { after: { minutes: 5 } }
      do:
        - a: { wait: PT1M }
      """
    When the workflow is published
    And 4 minutes pass
    Then there should be 0 runs of 'case'
    When 6 minutes pass
    Then there should be 1 completed run of 'case'
    And there should be 1 run of 'case'
    When 2 minutes pass
    Then there should be 2 runs of 'case'

  Scenario: A run that somebody stopped is the last
    Given a workflow doing:
      """yaml
      schedule: { after: { minutes: 5 } }
      do:
        - a: { wait: PT10M }
      """
    When the workflow is published
    And 6 minutes pass
    Then there should be 1 waiting run of 'case'
    When the workflow is cancelled
    And 60 minutes pass
    Then there should be 1 run of 'case'
    And there should be 1 cancelled run of 'case'

  Scenario: After a fault it goes on
    Given a workflow doing:
      """yaml
      schedule: { after: { minutes: 5 } }
      do:
        - a: { raise: { error: { type: https://example.com/broken, title: broken, status: 500 } } }
      """
    When the workflow is published
    And 12 minutes pass
    Then there should be 2 faulted runs of 'case'

  Scenario: By the clocks of a time zone
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { zone: Europe/Berlin } } }
      schedule: { cron: '30 1 * * *' }
      do: [ { a: { set: { at: '${ .scheduledAt }' } } } ]
      """
    When the workflow is published
    And 29 minutes pass
    Then there should be 0 runs of 'case'
    When 1 minute passes
    Then there should be 1 completed run of 'case'
    And the workflow should complete with output:
      """yaml
      { at: '2100-01-01T00:30:00.000Z' }
      """

  Scenario: A time that the clocks leave out comes at the first instant behind the gap
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { zone: Europe/Berlin } } }
      schedule: { cron: '30 2 28 3 *' }
      do: [ { a: { set: { at: '${ .scheduledAt }' } } } ]
      """
    When the workflow is published
    And 130000 minutes pass
    Then there should be 1 completed run of 'case'
    And the workflow should complete with output:
      """yaml
      { at: '2100-03-28T01:00:00.000Z' }
      """

  Scenario: A time that the clocks show twice counts once, the first time
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { zone: Europe/Berlin } } }
      schedule: { cron: '30 2 31 10 *' }
      do: [ { a: { set: { at: '${ .scheduledAt }' } } } ]
      """
    When the workflow is published
    And 440000 minutes pass
    Then there should be 1 completed run of 'case'
    And the workflow should complete with output:
      """yaml
      { at: '2100-10-31T00:30:00.000Z' }
      """

  Scenario: Days begin where the zone says
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { zone: Asia/Kolkata } } }
      schedule: { every: { days: 1 } }
      do: [ { a: { set: { at: '${ .scheduledAt }' } } } ]
      """
    When the workflow is published
    And 1440 minutes pass
    Then there should be 1 completed run of 'case'
    And the workflow should complete with output:
      """yaml
      { at: '2100-01-01T18:30:00.000Z' }
      """

  Scenario: A zone that is none is refused
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { zone: Mars/Olympus } } }
      schedule: { cron: '30 1 * * *' }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 1

  Scenario: An event of any of several starts once
    Given a workflow doing:
      """yaml
      schedule: { on: { any: [ { with: { type: com.example.a } }, { with: { type: com.example.a, data: '${ . > 0 }' } } ] } }
      do:
        - a: { set: { n: '${ .[0] }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.a, data: 2 }
      """
    Then there should be 1 completed run of 'case'

  Scenario: Events that start together stand in the order of their filters
    Given a workflow doing:
      """yaml
      schedule: { on: { all: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] } }
      do:
        - a: { set: { order: '${ . }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.b, data: second }
      """
    And the event is sent:
      """yaml
      { type: com.example.a, data: first }
      """
    Then the workflow should complete with output:
      """yaml
      { order: [ first, second ] }
      """

  Scenario: Each event starts once, with the oldest of the others
    Given a workflow doing:
      """yaml
      schedule: { on: { all: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] } }
      do:
        - a: { set: { pair: '${ . }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.a, id: a-1, data: 1 }
      """
    And the event is sent:
      """yaml
      { type: com.example.a, id: a-2, data: 2 }
      """
    And the event is sent:
      """yaml
      { type: com.example.b, id: b-1, data: 3 }
      """
    Then the workflow should complete with output:
      """yaml
      { pair: [ 1, 3 ] }
      """
    And there should be 1 run of 'case'

  Scenario: Two events of one kind start together
    Given a workflow doing:
      """yaml
      schedule: { on: { all: [ { with: { type: com.example.vote } }, { with: { type: com.example.vote } } ] } }
      do:
        - a: { set: { votes: '${ . }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.vote, id: v-1, data: yes }
      """
    Then there should be 0 runs of 'case'
    When the event is sent:
      """yaml
      { type: com.example.vote, id: v-2, data: no }
      """
    Then the workflow should complete with output:
      """yaml
      { votes: [ yes, no ] }
      """

  Scenario: Events start together only with what they have in common
    Given a workflow doing:
      """yaml
      schedule:
        on:
          all:
            - { with: { type: com.example.ordered }, correlate: { order: { from: '${ .data.id }' } } }
            - { with: { type: com.example.paid }, correlate: { order: { from: '${ .data.for }' } } }
      do:
        - a: { set: { order: '${ .[0].id }', cents: '${ .[1].cents }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.ordered, id: o-1, data: { id: first } }
      """
    And the event is sent:
      """yaml
      { type: com.example.paid, id: p-2, data: { for: second, cents: 2 } }
      """
    Then there should be 0 runs of 'case'
    When the event is sent:
      """yaml
      { type: com.example.ordered, id: o-2, data: { id: second } }
      """
    Then the workflow should complete with output:
      """yaml
      { order: second, cents: 2 }
      """
    And there should be 1 run of 'case'

  Scenario: What waits for others waits for so long and no longer
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { unmatchedMs: 60000 } } } }
      schedule: { on: { all: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] } }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the event is sent:
      """yaml
      { type: com.example.a, data: 1 }
      """
    And 2 minutes pass
    And the event is sent:
      """yaml
      { type: com.example.b, data: 2 }
      """
    Then there should be 0 runs of 'case'

  Scenario: What stops a set is said elsewhere
    Given a workflow doing:
      """yaml
      schedule: { on: { any: [ { with: { type: com.example.a } } ], until: '${ true }' } }
      do:
        - a: { set: { n: 1 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2

  Scenario: A cron that is none is refused
    Given a workflow doing:
      """yaml
      schedule: { cron: soon }
      do:
        - a: { set: { n: 1 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 2

  Scenario: The whole event is read
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered } } }, read: envelope }
      do:
        - a: { set: { type: '${ .[0].type }', subject: '${ .[0].subject }', id: '${ .[0].id }', n: '${ .[0].data.n }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.ordered, id: o-1, subject: s-1, data: { n: 3 } }
      """
    Then the workflow should complete with output:
      """yaml
      { type: com.example.ordered, subject: s-1, id: o-1, n: 3 }
      """

  Scenario: The data is read as text
    Given a workflow doing:
      """yaml
      schedule: { on: { any: [ { with: { type: com.example.ordered } } ] }, read: raw }
      do:
        - a: { set: { said: '${ .[0] }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.ordered, data: { n: 3, a: [ 1 ] } }
      """
    Then the workflow should complete with output:
      """yaml
      { said: '{"a":[1],"n":3}' }
      """

  Scenario: All of several events are read whole
    Given a workflow doing:
      """yaml
      schedule: { on: { all: [ { with: { type: com.example.a } }, { with: { type: com.example.b } } ] }, read: envelope }
      do:
        - a: { set: { types: '${ [ .[].type ] }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.b, id: b, data: { n: 2 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.a, id: a, data: { n: 1 } }
      """
    Then the workflow should complete with output:
      """yaml
      { types: [ com.example.a, com.example.b ] }
      """

  Scenario: What a start must have in common with a value written out
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered }, correlate: { shop: { from: .data.shop, expect: north } } } } }
      do:
        - a: { set: { got: '${ .[0].n }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.ordered, id: south, data: { shop: south, n: 1 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.ordered, id: none, data: { n: 2 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.ordered, id: north, data: { shop: north, n: 3 } }
      """
    Then the workflow should complete with output:
      """yaml
      { got: 3 }
      """
    And there should be 1 run of 'case'

  Scenario: Correlations of any of several events may differ
    Given a workflow doing:
      """yaml
      schedule:
        on:
          any:
            - { with: { type: com.example.a }, correlate: { order: { from: .data.order } } }
            - { with: { type: com.example.b }, correlate: { about: { from: .subject, expect: s-1 } } }
      do:
        - a: { set: { n: '${ .[0].n }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.a, id: without, data: { n: 1 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.a, id: with, data: { n: 2, order: 7 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.b, id: other, subject: s-2, data: { n: 3 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.b, id: about, subject: s-1, data: { n: 4 } }
      """
    Then there should be 2 completed runs of 'case'

  Scenario: An attribute that is computed
    Given a workflow doing:
      """yaml
      schedule: { on: { one: { with: { type: com.example.ordered, subject: '${ "s-" + (1 + 1 | tostring) }' } } } }
      do:
        - a: { set: { got: '${ .[0].n }' } }
      """
    When the event is sent:
      """yaml
      { type: com.example.ordered, id: one, subject: s-1, data: { n: 1 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.ordered, id: two, subject: s-2, data: { n: 2 } }
      """
    Then the workflow should complete with output:
      """yaml
      { got: 2 }
      """
    And there should be 1 run of 'case'
