Feature: Refusals
  A refusal says what is wrong, what was expected and the word that was meant.

  Scenario Outline: Refusals
    Given a workflow doing:
    """yaml
    use: { errors: { bad: { type: https://e.com/x, status: 400 } }, timeouts: { short: { after: PT1S } }, authentications: { login: { basic: { username: a, password: b } } } }
    do:
      - first: { <task> }
      - second: { set: { a: 1 } }
    """
    When the workflow is published
    Then the document should be refused with '<code>'
    And the refusal should say '<says>'
    Examples:
      | task | code | says |
      | sett: { a: 1 } | PV1020 | set |
      | set: { a: 1 }, then: secnd | PV1022 | second |
      | set: { a: 1 }, outptu: { as: . } | PV1010 | output |
      | set: { a: 1 }, timeout: shrt | PV1023 | short |
      | raise: { error: bda } | PV1023 | bad |
      | raise: { eror: bad } | PV1010 | error |
      | raise: { error: { type: https://e.com/x } } | PV1011 | status |
      | raise: { error: { status: 400 } } | PV1011 | type |
      | raise: { error: { type: https://e.com/x, status: '400' } } | PV1012 | 400 |
      | wait: { minute: 1 } | PV1010 | minutes |
      | wait: 5 minutes | PV1025 | PT5M |
      | for: { each: x }, do: [] | PV1011 | in |
      | for: { eech: x, in: .a }, do: [] | PV1010 | each |
      | for: { in: .a } | PV1011 | do |
      | for: { in: 5 }, do: [] | PV1012 | list |
      | fork: { branchs: [] } | PV1010 | branches |
      | fork: { branches: [], competes: true } | PV1010 | compete |
      | switch: [ { a: { when: .x } } ] | PV1011 | then |
      | switch: [] | PV1020 | case |
      | switch: { a: { then: end } } | PV1012 | list |
      | try: [] | PV1011 | catch |
      | try: [], catch: { error: { with: { status: 1 } } } | PV1010 | errors |
      | try: [], catch: { errors: { with: { statuss: 1 } } } | PV1010 | status |
      | try: [], catch: { retry: { limit: { attempts: { count: 1 } } } } | PV1010 | attempt |
      | try: [], catch: { retry: { backoff: { exponetial: {} } } } | PV1010 | exponential |
      | try: [], catch: { retry: { jitter: { from: PT1S } } } | PV1011 | to |
      | try: [], catch: { retry: { jitter: { from: PT2S, to: PT1S } } } | PV1013 | longer |
      | emit: { event: { with: { source: https://a.b } } } | PV1011 | type |
      | emit: { event: { type: a } } | PV1010 | with |
      | listen: { to: { oen: { with: { type: a } } } } | PV1010 | one |
      | listen: { to: { one: { with: {} } } } | PV1011 | nothing |
      | listen: { to: { one: { with: { type: a } }, all: [] } } | PV1013 | exactly one |
      | listen: { to: { one: { with: { type: a } } }, read: body } | PV1013 | envelope |
      | call: http, with: { method: get } | PV1011 | endpoint |
      | call: http, with: { method: gett, endpoint: https://a.b } | PV1013 | GET |
      | call: http, with: { method: get, endpoint: a.b/c } | PV1013 | scheme |
      | call: http, with: { method: get, endpoint: https://a.b, header: {} } | PV1010 | headers |
      | call: http, with: { method: get, endpoint: https://a.b, output: body } | PV1013 | content |
      | call: http, with: { method: get, endpoint: { uri: https://a.b, authentication: { use: logn } } } | PV1023 | login |
      | call: http, with: { method: get, endpoint: { uri: https://a.b, authentication: { basik: { use: x } } } } | PV1010 | basic |
      | call: htpp, with: { method: get, endpoint: https://a.b } | PV1023 | http |
      | call: openapi, with: { document: { endpoint: https://petstore.swagger.io/v2/swagger.json } } | PV1011 | operationId |
      | call: openapi, with: { document: { endpoint: https://petstore.swagger.io/v2/swagger.json }, operationId: findPetByStatus } | PV1023 | findPetsByStatus |
      | call: openapi, with: { document: { endpoint: https://petstore.swagger.io/v2/swagger.json }, operationId: getPetById, parameters: { petid: 1 } } | PV1010 | petId |
      | run: { workflow: { namespace: ctk, name: cas, version: '1.0.0' } } | PV1031 | did you mean `case` |
      | run: { workflow: { namespace: ctk, name: case } } | PV1011 | version |
      | run: {} | PV1011 | workflow |
      | run: { shell: { command: ls } } | PV1031 | action |
      | set: 5 | PV1012 | mapping |
      | set: .a | PV1026 | ${ .a } |
      | set: {} | PV1013 | nothing |
      | set: { a: '${ .a + }' } | PV1026 | line |
      | set: { a: '${ $contxt.a }' } | PV1026 | $context |
      | set: { a: '${ lenght }' } | PV1026 | length |
      | set: { a: 1 }, if: true | PV1012 | quotes |
      | set: { a: 1 }, input: { schema: { format: xml, document: {} } } | PV1027 | json |
      | set: { a: 1 }, input: { schema: { document: { type: strng } } } | PV1027 | string |
      | set: { a: 1 }, output: { as: 5 } | PV1012 | expression |
      | set: { a: 1 }, export: { form: . } | PV1010 | as |
      | set: { a: 1 }, timeout: { after: {} } | PV1025 | after |
      | set: { a: 1 }, timeout: { afetr: PT1S } | PV1010 | after |
      | do: { a: { set: { b: 1 } } } | PV1012 | list |
      | call: act, with: { action: pya } | PV1023 | pay |
      | call: act, with: { actoin: pay } | PV1010 | action |
      | call: agent, with: { agent: plian } | PV1023 | plain |
      | call: rules, with: { table: frist } | PV1023 | first |
      | call: review, with: { queue: q, tilte: x } | PV1010 | title |
      | call: decide, with: { opinions: {}, rule: majorty } | PV1013 | majority |
      | call: compensate, with: { scope: frist } | PV1023 | first |
      | call: retrieve, with: { source: hanbook, query: x } | PV1023 | handbook |
      | call: feature, with: { names: [ orders-30 ], entity: x } | PV1023 | orders-30d |

  Scenario Outline: Refusals of documents
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }
    <more>
    """
    When the workflow is published
    Then the document should be refused with '<code>'
    And the refusal should say '<says>'
    Examples:
      | more | code | says |
      | doo: [] | PV1010 | do |
      | x: 1 | PV1011 | do |
      | { | PV1001 | YAML |
      | do: [ { a: { set: { b: 1 } } }, { a: { set: { b: 1 } } } ] | PV1021 | unique |
      | do: [ { a: { set: { b: 1 } }, c: { set: { b: 1 } } } ] | PV1020 | second |
      | do: [ { a: { set: { b: 1 }, set: { b: 2 } } } ] | PV1004 | set |
      | do: [ { a: { set: { b: 1 }, then: end } }, { end: { set: { b: 1 } } } ] | PV1013 | flow word |
      | do: [ { a: { set: { b: 1 } } } ], | PV1001 | YAML |
