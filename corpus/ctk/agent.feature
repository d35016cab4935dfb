Feature: Agent
  A run with examples: the first that fits answers; its failure mode answers its own end.

  Scenario: The first example that fits answers
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: picks, input: { text: 'this is urgent', n: 50 } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: contains }
      """

  Scenario: A condition picks an example
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: picks, input: { n: 11 } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: when }
      """

  Scenario: The default example answers what nothing fits
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: picks, input: { n: 3 } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: default }
      """

  Scenario: Contains looks at texts and not at keys
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: picks, input: { urgent: 1 } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: default }
      """

  Scenario: Contains looks into lists and objects
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: picks, input: { list: [ { deep: so UrGeNt } ] } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: contains }
      """

  Scenario: No example that fits is an error
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: narrow, input: { n: 1 } } }
      """
    When the workflow is executed
    Then the workflow should fault

  Scenario: An answer that breaks its contract is an error
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: plain, input: {} } }
      """
    And 'plain' answers:
      """yaml
      done {"wrong":1}
      """
    When the workflow is executed
    Then the workflow should fault

  Scenario: The failure mode abstain gives null
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: abstains, input: {} } }
      """
    And 'abstains' answers:
      """yaml
      failed 500
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      null
      """

  Scenario: An abstention is absent in a quorum
    Given a workflow doing:
      """yaml
      do:
        - f: { fork: { branches: [ { a: { call: agent, with: { agent: abstains, input: {} } } }, { b: { set: { choice: go, confidencePct: 80 } } } ] } }
        - d: { call: decide, with: { opinions: '${ { a: .[0], b: .[1] } }', rule: majority, quorum: 2, tie: unsure } }
      """
    And 'abstains' answers:
      """yaml
      failed 500
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      unsure
      """
    And the workflow output should have a 'quorum' property with value:
      """yaml
      { present: 1, needed: 2 }
      """

  Scenario: The failure mode default gives what is written
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: defaults, input: {} } }
      """
    And 'defaults' answers:
      """yaml
      done {"wrong":1}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { ok: default }
      """

  Scenario: The failure mode review asks a person
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: asks, input: {} } }
      """
    And 'asks' answers:
      """yaml
      failed 500
      """
    When the workflow is started
    Then somebody should be asked 'What now?'
    When 'anna' answers the review with 'go'
    Then the workflow should complete

  Scenario: The failure mode fail is an error that catch takes
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: agent, with: { agent: plain, input: {} } } } ], catch: { do: [ { h: { set: { failed: true } } } ] } }
      """
    And 'plain' answers:
      """yaml
      failed 500
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { failed: true }
      """

  Scenario: An input that breaks the contract never leaves
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: wants, input: '${ { other: 1 } }' } }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'
    And 'wants' should be called 0 times

  Scenario: The long form of the name means the same
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent:1.0.0@default, with: { agent: plain@1, input: {} } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { ok: true }
      """

  Scenario: An agent that no file describes is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: plan, input: {} } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3
    And the refusal should say 'plan'

  Scenario: Policy may forbid a run
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: plain, input: {} } }
      """
    And a file 'policies/main.cedar':
      """yaml
      @id("no-agents")
      permit (principal, action, resource) unless { resource is Agent };
      """
    When the workflow is executed
    Then the workflow should fault with 'policy-denied'
    And 'plain' should be called 0 times
