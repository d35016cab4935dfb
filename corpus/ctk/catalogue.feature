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
        - a: { call: plan, with: { agent: plain, goal: tidy up, allow: [ set ] } }
      """
    When the workflow is executed
    Then the workflow should complete
