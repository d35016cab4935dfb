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
      { q: refunds }
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: Features as of a point in time
    Given a workflow doing:
      """yaml
      do:
        - a: { call: feature, with: { names: [ orders-30d ], entity: c-1 } }
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: A plan out of an allow-list
    Given a workflow doing:
      """yaml
      do:
        - a: { call: plan, with: { agent: plain, goal: tidy up, allow: [ set ] } }
      """
    When the workflow is executed
    Then the workflow should complete
