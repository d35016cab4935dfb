Feature: More rulings
  What a ruling says where one scenario elsewhere says only half of it. `rulings.json` names the scenarios of each.

  Scenario: A child begins with an empty context of its own
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - a: { set: { n: 1 }, export: { as: { n: '${ .n }' } } }
        - b: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0' } } }
        - c: { set: { child: '${ . }', own: '${ $context }' } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do: [ { x: { set: '${ $context }' } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { child: {}, own: { n: 1 } }
      """

  Scenario: A failed call that is no read is communication too
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: http, with: { method: post, endpoint: 'http://stub/status/422' } } } ], catch: { as: e, do: [ { h: { set: { type: '${ $e.type }', status: '${ $e.status }' } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication', status: 422 }
      """

  Scenario: The whole error of a failed call
    Given a workflow doing:
      """yaml
      do:
        - b: { do: [ { a: { call: http, with: { method: get, endpoint: 'http://stub/v2/pet/none' } } } ] }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication', status: 404, instance: /do/0/b/do/0/a }
      """

  Scenario: Keys that an export loses are named
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { x: 1 }, export: { as: { first: '${ .x }' } } }
        - b: { set: { x: 2 }, export: { as: { second: '${ .x }' } } }
        - c: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the document should draw the warning 'PV2002'
    And the workflow should complete with output:
      """yaml
      { second: 2 }
      """

  Scenario: An export that adds to the context loses nothing
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { x: 1 }, export: { as: { first: '${ .x }' } } }
        - b: { set: { x: 2 }, export: { as: '${ $context + { second: .x } }' } }
        - c: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the document should draw no warning
    And the workflow should complete with output:
      """yaml
      { first: 1, second: 2 }
      """

  Scenario: The next model of the route answers
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: routed, input: { n: 1 } } }
      """
    And a file 'agents/routed.md':
      """yaml
      ---
      version: 1.0.0
      model: acme:gone-1
      route: [ acme:gone-1, acme:next-1 ]
      output: { type: object }
      ---
      Answer.
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: No model of the route is left
    Given a workflow doing:
      """yaml
      do:
        - a: { call: agent, with: { agent: routed, input: { n: 1 } } }
      """
    And a file 'agents/routed.md':
      """yaml
      ---
      version: 1.0.0
      model: acme:gone-1
      route: [ acme:gone-1 ]
      failure: abstain
      output: { type: object }
      ---
      Answer.
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: A read over HTTP of which nobody knows is read again
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: http, with: { method: get, endpoint: 'https://api.example' } } } ], catch: { retry: { delay: { seconds: 1 }, limit: { attempt: { count: 3 } } } } }
      """
    And 'http.call' answers:
      """yaml
      unknown
      done {"n":1}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """
    And 'http.call' should be called 2 times

  Scenario: A call with a key of its own is sent again under it
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: post, endpoint: 'https://api.example/payments', body: { n: 1 } }, metadata: { provost: { effect: { class: E1, keyHeader: Idempotency-Key } } } }
      """
    And 'http.call' answers:
      """yaml
      unknown
      done {"n":1}
      """
    When the workflow is executed
    Then the workflow should complete
    And 'http.call' should be called 2 times
    And 'http.call' should be called under 1 key

  Scenario: Ticks that were missed give one run for the last
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }
      schedule: { every: { minutes: 10 } }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    And 10 minutes pass
    Then there should be 1 completed run of 'case'
    When the machine is down for 35 minutes
    Then there should be 2 completed runs of 'case'

  Scenario: Missed ticks are left out where the document says so
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { missed: none } } }
      schedule: { every: { minutes: 10 } }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    And 10 minutes pass
    Then there should be 1 completed run of 'case'
    When the machine is down for 35 minutes
    Then there should be 1 completed runs of 'case'

  Scenario: Every missed tick runs where the document says so
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { missed: all } } }
      schedule: { every: { minutes: 10 } }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    And 10 minutes pass
    Then there should be 1 completed run of 'case'
    When the machine is down for 35 minutes
    Then there should be 4 completed runs of 'case'
