Feature: Data flow as the reference page has it
  What each stage sees, and what it hands on.

  Scenario: If is evaluated on the raw input before input.from
    Given a workflow doing:
    """yaml
    do:
      - a:
          if: .go
          input: { from: '{ b: 1 }' }
          set: { r: '${ .b }' }
    """
    And the workflow input is:
    """yaml
    go: true
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 1
    """

  Scenario: A skipped task hands its raw input on, neither from nor as nor export apply
    Given a workflow doing:
    """yaml
    do:
      - a:
          if: ${ false }
          input: { from: '{ b: 1 }' }
          set: { r: 2 }
          output: { as: '{ never: 1 }' }
          export: { as: '{ never: 1 }' }
      - b:
          set: { got: '${ . }', ctx: '${ $context }' }
    """
    And the workflow input is:
    """yaml
    x: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: { x: 1 }
    ctx: {}
    """
    And a should be skipped

  Scenario: Input.schema sees the raw input, not the transformed one
    Given a workflow doing:
    """yaml
    do:
      - a:
          input:
            schema:
              format: json
              document: { type: object, required: [ x ] }
            from: .x
          set: { r: '${ . }' }
    """
    And the workflow input is:
    """yaml
    x: 5
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 5
    """

  Scenario: Input.schema that fails is a validation error at the task
    Given a workflow doing:
    """yaml
    do:
      - a:
          input:
            schema:
              document: { type: object, required: [ y ] }
          set: { r: '${ . }' }
    """
    And the workflow input is:
    """yaml
    x: 5
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/validation
    status: 400
    instance: /do/0/a
    """

  Scenario: Workflow input.from sets the first raw input and $input; $workflow.input stays raw
    Given a workflow doing:
    """yaml
    input:
      from: .order
    do:
      - a:
          set: { here: '${ . }', input: '${ $input }', raw: '${ $workflow.input }' }
    """
    And the workflow input is:
    """yaml
    order: { id: 7 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    here: { id: 7 }
    input: { id: 7 }
    raw: { order: { id: 7 } }
    """

  Scenario: Workflow input.from as an object
    Given a workflow doing:
    """yaml
    input:
      from:
        id: ${ .order.id }
        fixed: 3
    do:
      - a:
          set: ${ . }
    """
    And the workflow input is:
    """yaml
    order: { id: 7 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    id: 7
    fixed: 3
    """

  Scenario: Workflow input schema refuses
    Given a workflow doing:
    """yaml
    input:
      schema:
        format: json
        document: { type: object, properties: { n: { type: integer } }, required: [ n ] }
    do:
      - a: { set: { r: 1 } }
    """
    And the workflow input is:
    """yaml
    n: text
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/validation
    status: 400
    """

  Scenario: Workflow output as and schema
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { r: 1, s: 2 } }
    output:
      as: '{ only: .r, from: $context }'
      schema:
        document: { type: object, required: [ only ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    only: 1
    from: {}
    """

  Scenario: Workflow output schema that fails
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { r: 1 } }
    output:
      schema:
        document: { type: object, required: [ only ] }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/validation
    status: 400
    """

  Scenario: Output.as as object with nested expressions
    Given a workflow doing:
    """yaml
    do:
      - a:
          set: { list: [ 1, 2, 3 ] }
          output:
            as:
              sum: ${ .list | add }
              deep: { first: '${ .list[0] }', all: [ '${ .list[1] }', 'text', 9 ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    sum: 6
    deep: { first: 1, all: [ 2, text, 9 ] }
    """

  Scenario: Output.schema sees the transformed output
    Given a workflow doing:
    """yaml
    do:
      - a:
          set: { list: [ 1 ] }
          output:
            as: .list
            schema: { document: { type: array } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ 1 ]
    """

  Scenario: Task output.schema that fails is catchable
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - a:
                set: { list: [ 1 ] }
                output:
                  schema: { document: { type: array } }
          catch:
            errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/validation, status: 400 } }
            do:
              - h: { set: { where: '${ $error.instance }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    where: /do/0/t/try/0/a
    """

  Scenario: Export.as replaces the context and sees the transformed output and $output
    Given a workflow doing:
    """yaml
    do:
      - a:
          set: { n: 1 }
          output: { as: .n }
          export: { as: '{ dot: ., out: $output }' }
      - b:
          set: '${ $context }'
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    dot: 1
    out: 1
    """

  Scenario: Export.as merging into the context
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { n: 1 }, export: { as: '$context + { a: .n }' } }
      - b: { set: { n: 2 }, export: { as: '$context + { b: .n }' } }
      - c: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    a: 1
    b: 2
    """

  Scenario: Export.as as an object
    Given a workflow doing:
    """yaml
    do:
      - a:
          set: { n: 1 }
          export:
            as:
              kept: ${ .n }
              fixed: yes
      - c: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    kept: 1
    fixed: "yes"
    """

  Scenario: Export with null
    Given a workflow doing:
    """yaml
    do:
      - a:
          set: { n: 1 }
          export: { as: 'null' }
      - c: { set: { c: '${ $context }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    c: null
    """

  Scenario: Export.schema that fails
    Given a workflow doing:
    """yaml
    do:
      - a:
          set: { n: 1 }
          export:
            as: '{ n: .n }'
            schema: { document: { type: object, required: [ m ] } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/validation
    instance: /do/0/a
    """

  Scenario: $task.input is raw, $input transformed, $task.output raw
    Given a workflow doing:
    """yaml
    do:
      - a:
          input: { from: .x }
          set: { r: '${ . }', raw: '${ $task.input }', tr: '${ $input }' }
          output: { as: '{ r, raw, tr, rawOut: $task.output.r, in: $input }' }
    """
    And the workflow input is:
    """yaml
    x: 4
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 4
    raw: { x: 4 }
    tr: 4
    rawOut: 4
    in: 4
    """

  Scenario: The task descriptor
    Given a workflow doing:
    """yaml
    do:
      - outer:
          do:
            - inner:
                metadata: { a: 1 }
                set: { name: '${ $task.name }', ref: '${ $task.reference }', def: '${ $task.definition.metadata.a }', at: '${ $task.startedAt.iso8601 | type }', s: '${ $task.startedAt.epoch.seconds | type }', ms: '${ $task.startedAt.epoch.milliseconds | type }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    name: inner
    ref: outer/inner
    def: 1
    at: string
    s: number
    ms: number
    """

  Scenario: The workflow and runtime descriptors
    Given a workflow with definition:
    """yaml
    document:
      dsl: '1.0.3'
      namespace: held
      name: out
      version: '2.1.0'
      title: Title
      summary: Some text
      tags: { team: a }
      metadata: { x: 1 }
    do:
      - a:
          set:
            id: '${ $workflow.id | type }'
            name: '${ $workflow.definition.document.name }'
            tag: '${ $workflow.definition.document.tags.team }'
            first: '${ $workflow.definition.do[0] | keys[0] }'
            at: '${ $workflow.startedAt.iso8601[0:4] }'
            s: '${ $workflow.startedAt.epoch.milliseconds >= $workflow.startedAt.epoch.seconds * 1000 }'
            rn: '${ $runtime.name }'
            rv: '${ $runtime.version | type }'
            rm: '${ $runtime.metadata | type }'
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    id: string
    name: out
    tag: a
    first: a
    at: "2100"
    s: true
    rn: provost
    rv: string
    rm: object
    """

  Scenario: Non-object data between tasks
    Given a workflow doing:
    """yaml
    do:
      - a: { set: '${ [ .[] * 2 ] }' }
      - b: { set: '${ add }' }
      - c: { set: '${ if . > 10 then "big" else null end }' }
      - d: { set: { r: '${ . }' } }
    """
    And the workflow input is:
    """yaml
    [ 1, 2, 3 ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: big
    """

  Scenario: An expression that fails is an expression error
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { r: '${ 1 + "a" }' } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/expression
    status: 400
    instance: /do/0/a
    """

  Scenario: An expression inside text is text
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { r: 'Hello ${ .name }!', s: '${ "Hello \(.name)!" }', t: '$ { .name }', u: '{name}' } }
    """
    And the workflow input is:
    """yaml
    name: Ann
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have a 's' property with value:
    """yaml
    Hello Ann!
    """
    And the workflow output should have a 'u' property with value:
    """yaml
    '{name}'
    """

  Scenario: Expressions in data are never evaluated
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { r: '${ .evil }' } }
      - b: { set: { r: '${ .r }' } }
    """
    And the workflow input is:
    """yaml
    evil: '${ 1 + 1 }'
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: '${ 1 + 1 }'
    """

  Scenario: Numbers keep what they are
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { big: 9007199254740993, dec: 0.1, neg: -5, exp: '${ 1e3 }', min: '${ -9223372036854775807 }', i: '${ 7 / 2 }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    big: 9007199254740993
    dec: 0.1
    neg: -5
    exp: 1000.0
    min: -9223372036854775807
    i: 3.5
    """

  Scenario: Dates stay text under YAML 1.2 and yes is text
    Given a workflow doing:
    """yaml
    do:
      - a: { set: { d: 2026-01-02, t: 12:30:00, on: yes, n: ~, o: 0o17, e: '' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    d: '2026-01-02'
    t: '12:30:00'
    on: 'yes'
    n: null
    o: 15
    e: ''
    """

  Scenario: Bare expressions and wrapped ones are the same in if, from, as
    Given a workflow doing:
    """yaml
    do:
      - a:
          if: ${ .n == 1 }
          input: { from: '${ { m: .n } }' }
          set: { k: '${ .m }' }
          output: { as: '${ .k }' }
      - b:
          if: . == 1
          input: { from: '{ m: . }' }
          set: { k: '${ .m }' }
          output: { as: .k }
    """
    And the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    1
    """

  Scenario: Multi-line expressions
    Given a workflow doing:
    """yaml
    do:
      - a:
          set:
            r: >
              ${
                .items
                | map(.price)
                | add
              }
            s: |
              ${ .items | length }
    """
    And the workflow input is:
    """yaml
    items: [ { price: 2 }, { price: 3 } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    r: 5
    s: 2
    """

  Scenario: The context is empty at first and inside nested tasks visible
    Given a workflow doing:
    """yaml
    do:
      - a:
          set: { x: '${ $context }' }
          export: { as: '{ seen: 1 }' }
      - b:
          do:
            - c: { set: { y: '${ $context.seen }' }, export: { as: '{ seen: 2 }' } }
      - d: { set: { z: '${ $context.seen }', y: '${ .y }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    z: 2
    y: 1
    """
