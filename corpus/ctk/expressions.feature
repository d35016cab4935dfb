Feature: Expressions
  jq over our own values; counted, never timed; the same everywhere.

  Scenario: Times of tasks are recorded facts
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { same: '${ $workflow.startedAt == $task.startedAt }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { same: true }
      """

  Scenario: The time of a later commit is later
    Given a workflow doing:
      """yaml
      do:
        - a: { wait: PT5S }
        - b: { set: { later: '${ $task.startedAt.epoch.seconds - $workflow.startedAt.epoch.seconds }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { later: 5 }
      """

  Scenario: Integers stay exact
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ .n + 1 }' } }
      """
    And the workflow input is:
      """yaml
      { n: 9007199254740993 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 9007199254740994 }
      """

  Scenario: Integer overflow is an error
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ .n + 1 }' } }
      """
    And the workflow input is:
      """yaml
      { n: 9223372036854775807 }
      """
    When the workflow is executed
    Then the workflow should fault with 'expression'

  Scenario: Fuel that is spent cannot be caught inside the expression
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ try ([range(100000000)] | length) catch 0 }' } }
      """
    When the workflow is executed
    Then the workflow should fault with 'expression'

  Scenario: The one-liner that builds 256 megabytes is stopped
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ reduce range(28) as $i ("a"; . + .) | length }' } }
      """
    When the workflow is executed
    Then the workflow should fault with 'expression'

  Scenario: The name of the task and its reference
    Given a workflow doing:
      """yaml
      do:
        - outer: { do: [ { inner: { set: { name: '${ $task.name }', at: '${ $task.reference }' } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { name: inner, at: outer/inner }
      """

  Scenario: The workflow knows its id and its input
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { id: '${ $workflow.id | type }', input: '${ $workflow.input.n }' } }
      """
    And the workflow input is:
      """yaml
      { n: 3 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: string, input: 3 }
      """

  Scenario: The runtime says its name
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { name: '${ $runtime.name | type }', version: '${ $runtime.version | type }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { name: string, version: string }
      """

  Scenario: Refused at publish: now
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ now }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: localtime
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ localtime }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: env
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ env }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: $ENV
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ $ENV }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: input
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ input }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: inputs
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ inputs }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: debug
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ debug }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: stderr
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ stderr }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: halt
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ halt }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: [while(. < 9; . + 1)]
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ [while(. < 9; . + 1)] }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: [until(. > 9; . + 1)]
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ [until(. > 9; . + 1)] }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: Refused at publish: [repeat(1)]
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ [repeat(1)] }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: User-defined recursion is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ def f: f; f }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: An unknown variable is refused
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: '${ $nobody }' } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1026' at line 3

  Scenario: The workflow knows its definition
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { version: '${ $workflow.definition.document.version }', tasks: '${ $workflow.definition.do | length }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { version: '1.0.0', tasks: 1 }
      """

  Scenario: A task knows its definition
    Given a workflow doing:
      """yaml
      do:
        - outer: { do: [ { b: { if: '${ $task.definition.metadata.on }', set: { kind: '${ $task.definition | keys }' }, metadata: { on: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { kind: [ if, metadata, set ] }
      """
