Feature: The rest of the default catalogue
  retrieve, feature and plan.

  Scenario: Passages with their sources
    Given a workflow doing:
      """yaml
      do:
        - a: { call: retrieve, with: { source: handbook, query: '${ .q }', topK: 3 } }
      """
    And the workflow input is:
      """yaml
      { q: begin }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { passages: [ { source: handbook/start.md, text: Ask us. } ], withheld: 0 }
      """

  Scenario: A source that no file describes is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { call: retrieve, with: { source: handbok, query: x } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3

  Scenario: Features as of a point in time
    Given a workflow doing:
      """yaml
      do:
        - a: { call: feature, with: { names: [ orders-30d ], entity: c-1, asOf: '2022-01-01' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { orders-30d: { asOf: '2022-01-01T00:00:00.000Z', value: 3, version: 2.1.0 } }
      """

  Scenario: A feature that no file describes is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { call: feature, with: { names: [ orders-31d ], entity: c-1 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3

  Scenario: A plan out of an allow-list
    Given a workflow doing:
      """yaml
      do:
        - a: { call: plan, with: { agent: planner, goal: tidy up, allow: [ put, { agent: plain } ] } }
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    And 'put' answers:
      """
      done {"id":7}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { put: 7, asked: true, n: 4 }
      """
    And 'put' should be called with:
      """yaml
      { n: 4, by: plain }
      """
    And policy should be asked about 'plan.execute' 1 times
    And policy should be asked about 'put' 1 times
    And the tasks should run in this order: a, a, a, a

  Scenario: A plan that names what is not allowed never begins
    Given a workflow doing:
      """yaml
      do:
        - a:
            try: [ { b: { call: plan, with: { agent: planner, goal: x, allow: [ put ] } } } ]
            catch: { errors: { with: { type: 'https://open-workflow-specification.org/spec/1.0.0/errors/validation' } }, as: error, do: [ { c: { set: { status: '${ $error.status }' } } } ] }
      """
    And 'planner' answers:
      """
      done {"do":[{"one":{"call":"act","with":{"action":"put","arguments":{}}}},{"two":{"call":"act","with":{"action":"pay","arguments":{}}}}]}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { status: 422 }
      """
    And 'put' should be called 0 times
    And 'pay' should be called 0 times
    And policy should be asked about 'plan.execute' 0 times

  Scenario: A plan that is none is asked for again
    Given a workflow doing:
      """yaml
      do:
        - a: { call: plan, with: { agent: planner, goal: x, allow: [ put ] } }
      """
    And 'planner' answers:
      """
      done [1,2]
      done {"do":[{"one":{"call":"act","with":{"action":"put","arguments":{}}}}]}
      """
    When the workflow is executed
    Then the workflow should complete
    And 'planner' should be called 2 times
    And 'put' should be called once

  Scenario: Policy may forbid a plan as a whole
    Given a workflow doing:
      """yaml
      do:
        - a: { call: plan, with: { agent: planner, goal: x, allow: [ put, { agent: plain } ] } }
      """
    And a file 'policies/main.cedar':
      """
      @id("anything") permit (principal, action, resource);
      @id("no-plan-puts") forbid (principal, action == Action::"plan.execute", resource) when { context.calls.contains("put") };
      """
    When the workflow is executed
    Then the workflow should be parked with 'policy-denied'
    And 'put' should be called 0 times

  Scenario: A plan that needs a person waits for one
    Given a workflow doing:
      """yaml
      do:
        - a: { call: plan, with: { agent: planner, goal: x, allow: [ put, { agent: plain } ], review: { queue: bosses, title: Do all this? } } }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    And a file 'policies/main.cedar':
      """
      @id("anything") permit (principal, action, resource) unless { action == Action::"plan.execute" };
      @id("asked") permit (principal, action == Action::"plan.execute.with-review", resource);
      """
    When the workflow is executed
    Then somebody should be asked 'Do all this?'
    And 'put' should be called 0 times
    When 'anna' answers the review with 'approve'
    And time passes
    Then the workflow should complete
    And 'put' should be called once
    And 'planner' should be called once

  Scenario: What its author fixed is not for a plan to say
    Given a workflow doing:
      """yaml
      do:
        - a: { call: plan, with: { agent: planner, goal: x, allow: [ { action: put, arguments: { by: us } } ] } }
      """
    And 'planner' answers:
      """
      done {"do":[{"one":{"call":"act","with":{"action":"put","arguments":{"n":1}}}}]}
      """
    When the workflow is executed
    Then the workflow should complete
    And 'put' should be called with:
      """yaml
      { n: 1, by: us }
      """

  Scenario: What a plan finished answers from the journal when the same plan comes again
    Given a workflow doing:
      """yaml
      do:
        - a:
            try: [ { b: { call: plan, with: { agent: planner, goal: x, allow: [ put, pay ] } } } ]
            catch: { retry: { delay: { seconds: 1 }, limit: { attempt: { count: 1 } } } }
      """
    And 'planner' answers:
      """
      done {"do":[{"one":{"call":"act","with":{"action":"put","arguments":{}}}},{"two":{"call":"act","with":{"action":"pay","arguments":{}}}}]}
      """
    And 'pay' answers:
      """
      failed 400
      done {"id":9}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: 9 }
      """
    And 'put' should be called once
    And 'pay' should be called under 1 keys
    And 'planner' should be called 2 times

  Scenario: A plan is carried out over a time in which the machine is down
    Given a workflow doing:
      """yaml
      do:
        - a: { call: plan, with: { agent: planner, goal: x, allow: [ put ] } }
      """
    And 'planner' answers:
      """
      done {"do":[{"one":{"call":"act","with":{"action":"put","arguments":{"n":1}}}},{"two":{"call":"act","with":{"action":"put","arguments":{"n":2}}}}]}
      """
    And 'put' answers:
      """
      silent
      done {"id":1}
      done {"id":2}
      """
    When the workflow is started
    And 1 second passes
    And the machine is down for 2 minutes
    And time passes
    Then the workflow should complete with output:
      """yaml
      { id: 2 }
      """
    And 'planner' should be called once
    And 'put' should be called under 2 keys

  Scenario: An allow-list that names nothing of the bundle is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { call: plan, with: { agent: planner, goal: x, allow: [ putt ] } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3
    And the refusal should say 'put'
