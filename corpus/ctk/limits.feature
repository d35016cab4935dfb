Feature: Limits
  Every loop, payload and expression has a limit with a unit.

  Scenario: A value may be as large as the limit and no larger
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { valueBytes: 1000 } } } }
      do:
        - a: { set: { n: '${ "x" * 2000 }' } }
      """
    When the workflow is executed
    Then the workflow should fault with 'value-too-large'

  Scenario: A value that is too large is an error that catch takes
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { valueBytes: 1000 } } } }
      do:
        - t: { try: [ { a: { set: { n: '${ "x" * 2000 }' } } } ], catch: { do: [ { h: { set: { taken: true } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """

  Scenario: Fuel stops at the same place everywhere
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { expressionFuel: 1000 } } } }
      do:
        - a: { set: { n: '${ [range(5000)] | length }' } }
      """
    When the workflow is executed
    Then the workflow should fault with 'expression'

  Scenario: A long loop goes on over many transitions
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { each: it, in: '${ [range(600)] }' }, do: [ { a: { set: { n: '${ $it }' } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 599 }
      """
    And a should run 600 times

  Scenario: A limit that is none is refused
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0', metadata: { provost: { limits: { taskz: 5 } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1010' at line 1
