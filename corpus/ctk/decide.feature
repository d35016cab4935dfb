Feature: Decide
  Opinions become a decision: `{decisionId, choice, confidencePct, quorum, votes, vetoedBy?}`.

  Scenario: A majority is more than half of those present
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: y, confidencePct: 80 }, c: { choice: n, confidencePct: 99 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      y
      """

  Scenario: Half is no majority
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: n, confidencePct: 99 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      unsure
      """
    And the workflow output should have a 'confidencePct' property with value:
      """yaml
      0
      """

  Scenario: The largest sum of weights decides
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: weighted-majority, weights: { a: 3 }, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: n, confidencePct: 80 }, c: { choice: n, confidencePct: 99 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      y
      """
    And the workflow output should have a 'confidencePct' property with value:
      """yaml
      60
      """

  Scenario: Confidence is the weighted mean of the supporters
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: weighted-majority, weights: { a: 3 }, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: y, confidencePct: 80 }, c: { choice: n, confidencePct: 99 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      y
      """
    And the workflow output should have a 'confidencePct' property with value:
      """yaml
      65
      """

  Scenario: Half a point is rounded up
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: weighted-majority, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: y, confidencePct: 61 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'confidencePct' property with value:
      """yaml
      61
      """

  Scenario: Equal sums give the tie
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: weighted-majority, weights: { a: 2 }, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: n, confidencePct: 80 }, c: { choice: n, confidencePct: 99 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      unsure
      """
    And the workflow output should have a 'confidencePct' property with value:
      """yaml
      0
      """

  Scenario: All must agree
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: unanimous, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: y, confidencePct: 80 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      y
      """

  Scenario: One other voice breaks unanimity
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: unanimous, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: n, confidencePct: 80 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      unsure
      """

  Scenario: The first valid opinion in order
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: first-valid, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: null, b: { choice: n, confidencePct: 70 }, c: { choice: y, confidencePct: 99 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      n
      """
    And the workflow output should have a 'confidencePct' property with value:
      """yaml
      70
      """

  Scenario: The highest confidence
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: highest-confidence, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: { choice: n, confidencePct: 70 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      n
      """
    And the workflow output should have a 'confidencePct' property with value:
      """yaml
      70
      """

  Scenario: A missed quorum gives the tie
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, quorum: 2, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 60 }, b: null }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      unsure
      """
    And the workflow output should have a 'confidencePct' property with value:
      """yaml
      0
      """
    And the workflow output should have a 'quorum' property with value:
      """yaml
      { present: 1, needed: 2 }
      """

  Scenario: A veto gives its choice
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, tie: unsure, veto: [ { by: a, choice: n, confidencePct: 90 } ] } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: n, confidencePct: 95 }, b: { choice: y, confidencePct: 80 }, c: { choice: y, confidencePct: 80 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      n
      """
    And the workflow output should have a 'vetoedBy' property with value:
      """yaml
      a
      """

  Scenario: A veto that is not sure enough is none
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, tie: unsure, veto: [ { by: a, choice: n, confidencePct: 90 } ] } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: n, confidencePct: 89 }, b: { choice: y, confidencePct: 80 }, c: { choice: y, confidencePct: 80 } }
      """
    When the workflow is executed
    Then the workflow output should have a 'choice' property with value:
      """yaml
      y
      """

  Scenario: A confidence out of range is an error
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, tie: unsure } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 101 } }
      """
    When the workflow is executed
    Then the workflow should fault

  Scenario: A decision has an id
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: majority, tie: unsure }, output: { as: '${ .decisionId | type }' } }
      """
    And the workflow input is:
      """yaml
      { a: { choice: y, confidencePct: 100 } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      string
      """

  Scenario: A rule that is none is refused
    Given a workflow doing:
      """yaml
      do:
        - d: { call: decide, with: { opinions: '${ . }', rule: loudest, tie: unsure } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 3
