Feature: Time
  Durations, timeouts and schedules in every spelling.

  Scenario Outline: Waits in every spelling
    Given a workflow doing:
    """yaml
    do:
      - w: { wait: <wait> }
    """
    And the workflow input is:
    """yaml
    { d: PT3S, n: 4 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { d: PT3S, n: 4 }
    """
    And the workflow should take <seconds> seconds
    Examples:
      | wait                                                       | seconds |
      | { seconds: 10 }                                            | 10      |
      | { days: 1, hours: 1, minutes: 1, seconds: 1 }              | 90061   |
      | { milliseconds: 2000 }                                     | 2       |
      | PT10S                                                      | 10      |
      | PT1M30S                                                    | 90      |
      | P1D                                                        | 86400   |
      | P1DT1H                                                     | 90000   |
      | P1W                                                        | 604800  |
      | PT0.5H                                                     | 1800    |
      | 'PT1.0S'                                                   | 1       |
      | '${ .d }'                                                  | 3       |
      | '${ "PT\(.n)S" }'                                          | 4       |
      | { seconds: 0 }                                             | 0       |
      | PT0S                                                       | 0       |

  Scenario: Wait with an object expression
    Given a workflow doing:
    """yaml
    do:
      - w: { wait: '${ { seconds: .n } }' }
    """
    And the workflow input is:
    """yaml
    n: 4
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 4 seconds

  Scenario Outline: Durations that cannot be read
    Given a workflow doing:
    """yaml
    do:
      - w: { wait: <wait> }
    """
    When the workflow is published
    Then the document should be refused with '<code>'
    Examples:
      | wait              | code   |
      | 10s               | PV1025 |
      | P                 | PV1025 |
      | PT                | PV1025 |
      | { second: 1 }     | PV1010 |
      | { seconds: -1 }   | PV1013 |
      | { seconds: '1' }  | PV1012 |
      | {}                | PV1025 |
      | 10                | PV1025 |

  Scenario: A duration computed at run time that cannot be read faults
    Given a workflow doing:
    """yaml
    do:
      - w: { wait: '${ .d }' }
    """
    And the workflow input is:
    """yaml
    d: soon
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/expression
    instance: /do/0/w
    """

  Scenario Outline: Timeouts of tasks, inline and by name
    Given a workflow doing:
    """yaml
    use: { timeouts: { short: { after: { seconds: 5 } } } }
    do:
      - w: { <task>, timeout: <timeout> }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout
    status: 408
    instance: /do/0/w
    """
    And the workflow should take 5 seconds
    Examples:
      | task                                                                   | timeout                         |
      | wait: PT1H                                                             | short                           |
      | wait: PT1H                                                             | { after: PT5S }                 |
      | wait: PT1H                                                             | { after: { milliseconds: 5000 } } |
      | wait: PT1H                                                             | { after: '${ "PT5S" }' }        |
      | do: [ { x: { wait: PT1H } } ]                                          | short                           |
      | for: { in: '[1,2,3]' }, do: [ { x: { wait: PT2S } } ]                  | short                           |
      | fork: { branches: [ { x: { wait: PT1H } }, { y: { set: { a: 1 } } } ] } | short                           |
      | try: [ { x: { wait: PT1H } } ], catch: { do: [ { no: { set: { a: 1 } } } ] } | short                     |
      | listen: { to: { one: { with: { type: a } } } }                         | short                           |

  Scenario Outline: Timeouts of the workflow
    Given a workflow doing:
    """yaml
    use: { timeouts: { short: { after: { seconds: 5 } } } }
    timeout: <timeout>
    do:
      - t:
          try: [ { w: { wait: PT1H } } ]
          catch: { do: [ { no: { set: { a: 1 } } } ] }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout
    status: 408
    """
    And the workflow should take 5 seconds
    Examples:
      | timeout                  |
      | short                    |
      | { after: PT5S }          |
      | { after: { seconds: 5 } } |

  Scenario: A timeout that is not reached does nothing
    Given a workflow doing:
    """yaml
    timeout: { after: PT1H }
    do:
      - w: { wait: PT1S, timeout: { after: PT2S } }
      - v: { wait: PT10S }
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 11 seconds

  Scenario: Each iteration's task has a timeout of its own
    Given a workflow doing:
    """yaml
    do:
      - l:
          for: { in: '[1,2,3]' }
          do: [ { w: { wait: PT2S, timeout: { after: PT3S } } } ]
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 6 seconds

  Scenario: Schedule every
    Given a workflow doing:
    """yaml
    schedule: { every: { minutes: 10 } }
    do: [ { a: { set: { n: 1 } } } ]
    """
    When the workflow is published
    And 35 minutes pass
    Then there should be 3 completed runs of 'case'

  Scenario: Schedule every as ISO 8601, while the previous still runs
    Given a workflow doing:
    """yaml
    schedule: { every: PT10M }
    do: [ { a: { wait: PT1H } } ]
    """
    When the workflow is published
    And 35 minutes pass
    Then there should be 3 waiting runs of 'case'

  Scenario: Schedule cron
    Given a workflow doing:
    """yaml
    schedule: { cron: '0 12 * * *' }
    do: [ { a: { set: { n: 1 } } } ]
    """
    When the workflow is published
    And 2 days pass
    Then there should be 2 completed runs of 'case'

  Scenario: Schedule after
    Given a workflow doing:
    """yaml
    schedule: { after: PT5M }
    do: [ { a: { wait: PT5M } } ]
    """
    When the workflow is published
    And 31 minutes pass
    Then there should be 3 completed runs of 'case'

  Scenario: Schedule on one, the input is a list of data
    Given a workflow doing:
    """yaml
    schedule: { on: { one: { with: { type: order.placed } } } }
    do: [ { a: { set: { n: '${ .[0].n }', w: '${ $workflow.input | length }' } } } ]
    """
    When the workflow is published
    And the event is sent:
    """yaml
    { type: order.placed, source: https://x.com, data: { n: 7 } }
    """
    Then the workflow should complete with output:
    """yaml
    { n: 7, w: 1 }
    """

  Scenario: Schedule on one with read envelope
    Given a workflow doing:
    """yaml
    schedule: { on: { one: { with: { type: order.placed } } }, read: envelope }
    do: [ { a: { set: { n: '${ .[0].data.n }', t: '${ .[0].type }' } } } ]
    """
    When the workflow is published
    And the event is sent:
    """yaml
    { type: order.placed, source: https://x.com, data: { n: 7 } }
    """
    Then the workflow should complete with output:
    """yaml
    { n: 7, t: order.placed }
    """

  Scenario: Schedule on all and any
    Given a workflow doing:
    """yaml
    schedule: { on: { all: [ { with: { type: a } }, { with: { type: b } } ] } }
    do: [ { x: { set: { n: '${ map(.n) | add }' } } } ]
    """
    When the workflow is published
    And the event is sent:
    """yaml
    { type: a, source: https://x.com, data: { n: 7 } }
    """
    Then there should be 0 runs of 'case'
    When the event is sent:
    """yaml
    { type: b, source: https://x.com, data: { n: 3 } }
    """
    Then the workflow should complete with output:
    """yaml
    { n: 10 }
    """

  Scenario: Read without on is refused
    Given a workflow doing:
    """yaml
    schedule: { every: PT1H, read: data }
    do: [ { a: { set: { n: 1 } } } ]
    """
    When the workflow is published
    Then the document should be refused with 'PV1011'

  Scenario Outline: Crons that cannot be read
    Given a workflow doing:
    """yaml
    schedule: { cron: '<cron>' }
    do: [ { a: { set: { n: 1 } } } ]
    """
    When the workflow is published
    Then the document should be refused with 'PV1013'
    Examples:
      | cron          |
      | 61 * * * *    |
      | * * *         |
      | whenever      |

  Scenario: Missed ticks give one run for the last
    Given a workflow doing:
    """yaml
    schedule: { every: PT10M }
    do: [ { a: { set: { n: 1 } } } ]
    """
    When the workflow is published
    And 1 second passes
    And the machine is down for 65 minutes
    And 1 seconds pass
    Then there should be 1 completed runs of 'case'

  Scenario: Wait outputs its input after transformation
    Given a workflow doing:
    """yaml
    do:
      - w: { input: { from: .n }, wait: PT1S, output: { as: '{ m: . }' } }
    """
    And the workflow input is:
    """yaml
    n: 4
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    m: 4
    """
