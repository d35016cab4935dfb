Feature: Rules
  A decision table inside the core: hit policies unique, first, collect.

  Scenario: First takes the first row as written
    Given a workflow doing:
      """yaml
      do:
        - r: { call: rules, with: { table: first, input: '${ . }' } }
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      small
      """

  Scenario: First has an otherwise
    Given a workflow doing:
      """yaml
      do:
        - r: { call: rules, with: { table: first, input: '${ . }' } }
      """
    And the workflow input is:
      """yaml
      { n: 11 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      other
      """

  Scenario: Collect takes every row that holds
    Given a workflow doing:
      """yaml
      do:
        - r: { call: rules, with: { table: collect, input: '${ . }' } }
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      [ small, even ]
      """

  Scenario: Collect of nothing is an empty list
    Given a workflow doing:
      """yaml
      do:
        - r: { call: rules, with: { table: collect, input: '${ . }' } }
      """
    And the workflow input is:
      """yaml
      { n: 11 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      []
      """

  Scenario: Unique takes the one row that holds
    Given a workflow doing:
      """yaml
      do:
        - r: { call: rules, with: { table: unique, input: '${ . }' } }
      """
    And the workflow input is:
      """yaml
      { n: 12 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      even
      """

  Scenario: Two rows for unique are an error
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { r: { call: rules, with: { table: unique, input: '${ . }' } } } ], catch: { do: [ { h: { set: { taken: true } } } ] } }
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """

  Scenario: A table sees only what it is given
    Given a workflow doing:
      """yaml
      do:
        - r: { call: rules, with: { table: first, input: { n: 12 } } }
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      even
      """
