Feature: Secrets
  Only in what is called; opaque in the core; never in a result.

  Scenario: A secret is named in the arguments and filled outside
    Given a workflow doing:
      """yaml
      use: { secrets: [ token ] }
      do:
        - a: { call: act, with: { action: pay, arguments: { n: 1, header: '${ "Bearer " + $secrets.token }' } } }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay' should be called with the secret 'token'

  Scenario: A secret that is not declared is refused
    Given a workflow doing:
      """yaml
      use: { secrets: [ token ] }
      do:
        - a: { call: act, with: { action: pay, arguments: { header: '${ $secrets.other }' } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1046' at line 4

  Scenario: A secret in data is refused
    Given a workflow doing:
      """yaml
      use: { secrets: [ token ] }
      do:
        - a: { set: { kept: '${ $secrets.token }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1046' at line 4

  Scenario: A secret in a condition is refused
    Given a workflow doing:
      """yaml
      use: { secrets: [ token ] }
      do:
        - a: { if: '${ $secrets.token == "x" }', set: { n: 1 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 4
