Feature: Data flow of a task
  raw input, `if`, `input.schema`, `input.from`, the task, `output.as`, `output.schema`, `export.as`, `export.schema`, next raw input.

  Scenario: The whole way in order
    Given a workflow doing:
      """yaml
      do:
        - a:
            input: { schema: { document: { type: object, required: [ in ] } }, from: '${ .in }' }
            set: { n: '${ .n + 1 }' }
            output: { as: '${ .n }', schema: { document: { type: integer } } }
            export: { as: '${ { seen: . } }', schema: { document: { type: object, required: [ seen ] } } }
        - b: { set: { last: '${ . }', context: '${ $context }' } }
      """
    And the workflow input is:
      """yaml
      { in: { n: 1 } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { last: 2, context: { seen: 2 } }
      """

  Scenario: The condition sees the raw input and not what input.from makes of it
    Given a workflow doing:
      """yaml
      do:
        - a: { if: '${ .raw == true }', input: { from: '${ { raw: false } }' }, set: { ran: true } }
      """
    And the workflow input is:
      """yaml
      { raw: true }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { ran: true }
      """

  Scenario: A skipped task hands its raw input on
    Given a workflow doing:
      """yaml
      do:
        - a: { if: '${ false }', set: { n: 2 } }
        - b: { set: { n: '${ .n + 10 }' } }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 11 }
      """
    And a should not run
    And a should be skipped

  Scenario: A skipped task exports nothing
    Given a workflow doing:
      """yaml
      do:
        - a: { if: '${ false }', set: { n: 2 }, export: { as: '${ . }' } }
        - b: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      {}
      """

  Scenario: The input schema judges before input.from
    Given a workflow doing:
      """yaml
      do:
        - a: { input: { schema: { document: { type: object, required: [ missing ] } }, from: '${ { missing: 1 } }' }, set: { n: 1 } }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'

  Scenario: The output schema judges after output.as
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: one }, output: { as: '${ .n }', schema: { document: { type: integer } } } }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
      status: 400
      instance: /do/0/a
      """

  Scenario: The context begins as an empty object
    Given a workflow doing:
      """yaml
      do:
        - a: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      {}
      """

  Scenario: An export replaces the context
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { x: 1 }, export: { as: '${ { x: .x } }' } }
        - b: { set: { y: 2 }, export: { as: '${ { y: .y } }' } }
        - c: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { y: 2 }
      """

  Scenario: An export keeps what it adds to
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { x: 1 }, export: { as: '${ { x: .x } }' } }
        - b: { set: { y: 2 }, export: { as: '${ $context + { y: .y } }' } }
        - c: { set: '${ $context }' }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { x: 1, y: 2 }
      """

  Scenario: An export that breaks its schema is an error
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { x: 1 }, export: { as: '${ { x: .x } }', schema: { document: { type: object, required: [ y ] } } } }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'

  Scenario: The workflow shapes its own input and output
    Given a workflow doing:
      """yaml
      input: { from: '${ .order }' }
      do:
        - a: { set: { total: '${ .price * .pieces }', noise: 1 } }
      output: { as: '${ { total } }' }
      """
    And the workflow input is:
      """yaml
      { order: { price: 7, pieces: 6 } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { total: 42 }
      """

  Scenario: The workflow judges its input
    Given a workflow doing:
      """yaml
      input: { schema: { document: { type: object, required: [ order ] } } }
      do:
        - a: { set: { n: 1 } }
      """
    And the workflow input is:
      """yaml
      { other: 1 }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'
    And a should not run

  Scenario: The workflow judges its output
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: one } }
      output: { schema: { document: { type: object, properties: { n: { type: integer } } } } }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'
    And a should run once

  Scenario: The task knows its input and raw output
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { n: 2 }, output: { as: '${ { before: $input.n, after: .n } }' } }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { before: 1, after: 2 }
      """

  Scenario: A bare condition is an expression
    Given a workflow doing:
      """yaml
      do:
        - a: { if: .n > 1, set: { big: true } }
      """
    And the workflow input is:
      """yaml
      { n: 2 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { big: true }
      """

  Scenario: Exported keys that are lost draw a warning, no error
    Given a workflow doing:
      """yaml
      do:
        - a: { set: { x: 1 }, export: { as: { x: 1 } } }
        - b: { set: { y: 1 }, export: { as: { y: 1 } } }
      """
    When the workflow is executed
    Then the workflow should complete
    And the context should be:
      """yaml
      { y: 1 }
      """
