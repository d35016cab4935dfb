Feature: Sub-workflows
  `run: workflow`, awaited or not; what becomes of the child when the parent is cancelled.

  Scenario: The output of the child is the output of the task
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: { n: 4 } } } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { set: { n: '${ .n + 1 }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 5 }
      """
    And there should be 1 completed run of 'child'

  Scenario: The input of the child may be computed
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: { n: '${ .m * 2 }' } } } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { set: { got: '${ .n }' } }
      """
    And the workflow input is:
      """yaml
      { m: 21 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { got: 42 }
      """

  Scenario: The parent waits for the child
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: {} } } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { wait: PT1H }
      """
    When the workflow is started
    Then the workflow should wait
    And there should be 1 waiting run of 'child'
    When 1 hour passes
    Then the workflow should complete

  Scenario: The parent does not wait where the document says so
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: {} }, await: false } }
        - b: { set: { over: true } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { wait: PT1H }
      """
    When the workflow is started
    Then the workflow should complete with output:
      """yaml
      { over: true }
      """
    And there should be 1 waiting run of 'child'

  Scenario: The fault of a child is an error of the task
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - t: { try: [ { a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: {} } } } } ], catch: { do: [ { h: { set: { taken: true } } } ] } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { raise: { error: { type: https://example.com/oops, status: 400, title: Oops } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """
    And there should be 1 faulted run of 'child'

  Scenario: A child that is waited for is cancelled with its parent
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: {} } } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { wait: PT1H }
      """
    When the workflow is started
    And the workflow is cancelled
    And time passes
    Then the workflow should cancel
    And there should be 1 cancelled run of 'child'

  Scenario: A workflow that the bundle does not hold is refused
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: nobody, version: '1.0.0', input: {} } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 3

  Scenario: A child builds a business key from what its parent was trusted with
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      input: { schema: { document: { type: object, x-provost: { trusted: [ /id ] } } } }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: { id: '${ .id }' } } } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { call: act, with: { action: pay, arguments: { n: 1 }, key: '${ .id }' } }
      """
    And the workflow input is:
      """yaml
      { id: R-7, note: R-8 }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay' should be called once

  Scenario: A child builds no business key from what its parent was not trusted with
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      input: { schema: { document: { type: object, x-provost: { trusted: [ /id ] } } } }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: { id: '${ .note }' } } } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { call: act, with: { action: pay, arguments: { n: 1 }, key: '${ .id }' } }
      """
    And the workflow input is:
      """yaml
      { id: R-7, note: R-8 }
      """
    When the workflow is executed
    Then the workflow should fault with 'untrusted-key'
    And 'pay' should be called 0 times

  Scenario: What a child hands back is trusted as far as it followed it
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      input: { schema: { document: { type: object, x-provost: { trusted: [ /id ] } } } }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0' } } }
        - b: { call: act, with: { action: pay, arguments: { n: 1 }, key: '${ .own }' }, output: { as: '${ $input }' } }
        - c: { try: [ { d: { call: act, with: { action: pay, arguments: { n: 2 }, key: '${ .said }' } } } ], catch: { as: e, do: [ { e: { set: '${ $e.type }' } } ] } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - c: { set: { own: '${ "refund/" + .id }', said: '${ .note }' } }
      """
    And the workflow input is:
      """yaml
      { id: R-7, note: R-8 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      https://provost.dev/errors/untrusted-key
      """
    And 'pay' should be called once

  Scenario: A child may give nothing
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0' }, return: none } }
        - b: { set: { got: '${ . }' } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do: [ { c: { set: { n: 1 } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { got: null }
      """
    And there should be 1 completed run of 'child'

  Scenario: A child has no exit code
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }
      do:
        - a: { run: { workflow: { namespace: ctk, name: case, version: '1.0.0' }, return: code } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 3

  Scenario: A child that a retry comes to again keeps what it finished
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - t:
            try: [ { a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: {} } }, timeout: { after: PT10M } } } ]
            catch: { retry: { delay: PT1M, limit: { attempt: { count: 2 } } }, do: [ { h: { set: { given: up } } } ] }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
      do:
        - pay: { call: act, with: { action: pay, arguments: { n: 1 } } }
        - rest: { wait: PT1H }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { given: up }
      """
    And 'pay' should be called once

  Scenario: Children of one concurrency key run one after the other
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - both:
            fork:
              branches:
                - a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: { of: one } } } }
                - b: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: { of: one } } } }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0', metadata: { provost: { concurrency: { key: .of } } } }
      do:
        - rest: { wait: PT1H }
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 2 hours
    And there should be 2 completed runs of 'child'

  Scenario: A child that its concurrency key refuses is an error of its parent
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: parent, version: '1.0.0' }
      do:
        - first: { run: { await: false, workflow: { namespace: ctk, name: child, version: '1.0.0', input: { of: one } } } }
        - moment: { wait: PT1S }
        - second:
            try: [ { a: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: { of: one } } } } } ]
            catch: { errors: { with: { status: 409 } }, do: [ { h: { set: { of: '${ $error.workflow }' } } } ] }
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0', metadata: { provost: { concurrency: { key: .of, policy: refuse } } } }
      do:
        - rest: { wait: PT1H }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { of: child }
      """
