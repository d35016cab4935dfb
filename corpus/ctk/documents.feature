Feature: Reading documents
  YAML 1.2; duplicate and unknown keys are errors with their place and the nearest known word; what is refused says why.

  Scenario: A key that stands twice
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 } }
      do:
        - b: { set: { n: 2 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1004' at line 4

  Scenario: A misspelt key names the nearest one
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 }, outptu: { as: '${ .n }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1010' at line 3

  Scenario: On is a word and no truth
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { on: yes, off: no } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { on: 'yes', off: 'no' }
      """

  Scenario: Quoted digits stay text
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { zip: '01234', n: 0o17, hex: 0x10 } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { zip: '01234', n: 15, hex: 16 }
      """

  Scenario: Anchors inside a document
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { first: &x { n: 1 }, second: *x } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { first: { n: 1 }, second: { n: 1 } }
      """

  Scenario: Several documents in one file are refused
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }
      do: [ { a: { set: { n: 1 } } } ]
      ---
      more: true
      """
    When the workflow is published
    Then the document should be refused with 'PV1005'

  Scenario: Two findings are told at once
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 }, then: nowhere }
        - b: { wait: soon }
      """
    When the workflow is published
    Then the document should be refused with 'PV1022' at line 3
    And the document should be refused with 'PV1025' at line 4

  Scenario: A task name that stands twice in a list
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 1 } }
        - a: { set: { n: 2 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1021' at line 4

  Scenario: Another version of the language
    Given a workflow with definition:
      """yaml
      document: { dsl: '2.0.0', namespace: ctk, name: case, version: '1.0.0' }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1030' at line 1

  Scenario: A version of an older patch is read
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.0', namespace: ctk, name: case, version: '1.0.0' }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """

  Scenario: The version latest is refused
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: case, version: latest }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 1

  Scenario: The loose mode of expressions is refused
    Given a workflow doing:
      """yaml
      evaluate: { mode: loose }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2

  Scenario: A script is refused for good
    Given a workflow doing:
      """yaml
      do:
        - a: { run: { script: { language: js, code: 'return 1' } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 3

  Scenario: A shell is refused for good
    Given a workflow doing:
      """yaml
      do:
        - a: { run: { shell: { command: ls } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 3

  Scenario: A container is refused for good
    Given a workflow doing:
      """yaml
      do:
        - a: { run: { container: { image: 'busybox:latest' } } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 3

  Scenario: A remote catalogue is refused for good
    Given a workflow doing:
      """yaml
      use: { catalogs: { far: { endpoint: https://example.com/catalog } } }
      do:
        - a: { call: 'log:1.0.0@far', with: {} }
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2

  Scenario: A call that nothing describes is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { call: nobody, with: {} }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3

  Scenario: A loop without a list of tasks is refused
    Given a workflow doing:
      """yaml
      do:
        - f: { for: { each: x, in: '${ . }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1011' at line 3
