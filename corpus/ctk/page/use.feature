Feature: What is declared once, and calls
  Functions, extensions, authentications, secrets, protocol calls and sub-workflows.

  Scenario: A function with input, output and with
    Given a workflow doing:
    """yaml
    use:
      functions:
        double:
          input: { schema: { document: { type: object, required: [ n ] } } }
          set: { r: '${ .n * 2 }' }
          output: { as: .r }
    do:
      - a: { call: double, with: { n: '${ .x }' } }
    """
    And the workflow input is:
    """yaml
    x: 4
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    8
    """

  Scenario: A function that is a do, called twice, in a loop
    Given a workflow doing:
    """yaml
    use:
      functions:
        twice:
          do:
            - one: { set: { n: '${ .n + 1 }' } }
            - two: { set: { n: '${ .n + 1 }' } }
    do:
      - l:
          for: { each: i, in: '[1,2]' }
          do:
            - c: { call: twice, with: { n: '${ (.n // 0) + $i }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 7
    """

  Scenario: A function that calls a function
    Given a workflow doing:
    """yaml
    use:
      functions:
        inner: { set: { v: '${ .a }' } }
        outer: { call: inner, with: { a: '${ .b }' } }
    do:
      - x: { call: outer, with: { b: 3 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    v: 3
    """

  Scenario: A function that calls itself is refused
    Given a workflow doing:
    """yaml
    use:
      functions:
        f: { call: f }
    do:
      - x: { call: f }
    """
    When the workflow is published
    Then the document should be refused with 'PV1031'

  Scenario: An unknown function is refused with the nearest
    Given a workflow doing:
    """yaml
    use: { functions: { validateEmail: { set: { a: 1 } } } }
    do:
      - x: { call: validateEmial }
    """
    When the workflow is published
    Then the document should be refused with 'PV1023'
    And the refusal should say 'validateEmail'

  Scenario: Extension before and after every task
    Given a workflow doing:
    """yaml
    use:
      extensions:
        - count:
            extend: all
            before: [ { b: { set: '${ $input }', export: { as: '$context + { before: (($context.before // 0) + 1) }' } } } ]
            after: [ { a: { set: '${ . }', export: { as: '$context + { after: (($context.after // 0) + 1) }' } } } ]
    do:
      - one: { set: { x: 1 } }
      - two: { set: { x: '${ .x + 1 }' } }
    output: { as: '{ x: .x, c: $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    x: 2
    c: { before: 2, after: 2 }
    """

  Scenario: Extension for one kind only, with when
    Given a workflow doing:
    """yaml
    use:
      extensions:
        - onSet:
            extend: set
            when: $task.name == "two"
            after: [ { a: { set: { x: '${ .x + 100 }' }, export: { as: '{ seen: $task.name }' } } } ]
    do:
      - one: { set: { x: 1 } }
      - w: { wait: PT1S }
      - two: { set: { x: '${ .x + 1 }' } }
      - three: { set: { x: '${ .x + 1 }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    x: 3
    """
    And the context should be:
    """yaml
    seen: two
    """

  Scenario: Extension that exits skips the extended task
    Given a workflow doing:
    """yaml
    use:
      extensions:
        - mock:
            extend: call
            when: ($task.definition.with.endpoint // "") | startswith("https://mocked")
            before:
              - intercept: { set: { mocked: true }, then: exit }
    do:
      - real: { call: http, with: { method: get, endpoint: https://mocked.service.com/x } }
      - z: { set: { m: '${ .mocked }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    m: true
    """

  Scenario Outline: Every target of extend
    Given a workflow doing:
    """yaml
    use:
      errors: { e: { type: https://e.com/x, status: 400 } }
      extensions:
        - ext:
            extend: <kind>
            before: [ { b: { set: '${ $input }', export: { as: '{ hit: (($context.hit // 0) + 1) }' } } } ]
    do:
      - t:
          try: [ { x: { <task> } } ]
          catch: {}
    output: { as: $context.hit }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    <hits>
    """
    Examples:
      | kind      | task                                                      | hits |
      | set       | set: { a: 1 }                                             | 1    |
      | composite | do: [ { y: { wait: PT0S } } ]                             | 1    |
      | for       | for: { in: '[1]' }, do: [ { y: { wait: PT0S } } ]         | 1    |
      | raise     | raise: { error: e }                                       | 1    |
      | switch    | switch: [ { y: { then: continue } } ]                     | 1    |
      | try       | wait: PT1S                                                | 1    |
      | wait      | wait: PT1S                                                | 1    |
      | emit      | emit: { event: { with: { type: a.b } } }                  | 1    |

  Scenario: Authentications by use and inline reach the host
    Given a workflow doing:
    """yaml
    use:
      authentications:
        b: { basic: { username: ann, password: secret } }
    do:
      - x:
          call: http
          with:
            method: get
            endpoint: { uri: https://echo.test/a, authentication: { use: b } }
          output: { as: '.headers.authorization' }
          export: { as: '{ one: . }' }
      - y:
          call: http
          with:
            method: get
            endpoint: { uri: https://echo.test/a, authentication: { bearer: { token: '${ "tok" }' } } }
          output: { as: '[ $context.one, .headers.authorization ]' }
    """
    And the host 'echo.test' answers what it is asked
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ 'Basic ***', Bearer tok ]
    """

  Scenario: $authorization describes the scheme after the call
    Given a workflow doing:
    """yaml
    do:
      - y:
          call: http
          with:
            method: get
            endpoint: { uri: https://echo.test/a, authentication: { basic: { username: u, password: p } } }
          output: { as: '$authorization.scheme' }
    """
    And the host 'echo.test' answers what it is asked
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    Basic
    """

  Scenario: Method, headers, query and body
    Given a workflow doing:
    """yaml
    do:
      - y:
          call: http
          with:
            method: POST
            endpoint: https://echo.test/a/{id}
            headers: { x-one: '${ .h }', x-two: two }
            query: { q: '${ .h }', n: '5' }
            body: { deep: { v: '${ .id }' }, list: [ 1, '${ .h }' ] }
          output: { as: '{ method, path, one: .headers["x-one"], two: .headers["x-two"], query, body }' }
    """
    And the workflow input is:
    """yaml
    { id: 7, h: head }
    """
    And the host 'echo.test' answers what it is asked
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have a 'path' property with value:
    """yaml
    /anything/a/7
    """

  Scenario: Headers and query as one expression, endpoint as one
    Given a workflow doing:
    """yaml
    do:
      - y:
          call: http
          with:
            method: get
            endpoint: '${ "https://echo.test/" + .p }'
            headers: '${ { "x-a": .p } }'
            query: '${ { q: .p } }'
          output: { as: '{ path, a: .headers["x-a"], query }' }
    """
    And the workflow input is:
    """yaml
    { p: pp }
    """
    And the host 'echo.test' answers what it is asked
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have a 'a' property with value:
    """yaml
    pp
    """

  Scenario: Output raw is base64, response has request, statusCode, headers, content
    Given a workflow doing:
    """yaml
    do:
      - x: { call: http, with: { method: get, endpoint: https://petstore.swagger.io/v2/pet/1, output: raw }, output: { as: '@base64d | fromjson | .id' }, export: { as: '{ id: . }' } }
      - y: { call: http, with: { method: get, endpoint: { uri: 'https://petstore.swagger.io/v2/pet/1' }, output: response }, output: { as: '[ $context.id, .statusCode, .content.id, .request.method, .request.uri ]' } }
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: An unknown path is a communication error with its status
    Given a workflow doing:
    """yaml
    do:
      - y: { call: http, with: { method: get, endpoint: https://petstore.swagger.io/v2/pet/getPetByName/Nobody } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/communication
    status: 404
    instance: /do/0/y
    """

  Scenario: A missing variable of a URI template is empty, a structure is an error
    Given a workflow doing:
    """yaml
    do:
      - x: { call: http, with: { method: get, endpoint: 'https://echo.test/a{none}' }, output: { as: .path }, export: { as: '{ p: . }' } }
      - t:
          try: [ { y: { input: { from: '{ o: {} }' }, call: http, with: { method: get, endpoint: 'https://echo.test/{o}' } } } ]
          catch: { errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/expression, status: 400 } }, do: [ { h: { set: { p: '${ $context.p }' } } } ] }
    """
    And the workflow input is:
    """yaml
    x: 1
    """
    And the host 'echo.test' answers what it is asked
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    p: /anything/a
    """

  Scenario: Openapi with parameters and output
    Given a workflow doing:
    """yaml
    use:
      functions:
        getPet:
          call: openapi
          with:
            document: { name: pets, endpoint: { uri: https://petstore.swagger.io/v2/swagger.json } }
            operationId: getPetById
            parameters: { petId: '${ .id }' }
    do:
      - a: { call: getPet, with: { id: 1 }, output: { as: .id } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    1
    """

  Scenario: An unknown operation is refused with the nearest
    Given a workflow doing:
    """yaml
    do:
      - a: { call: openapi, with: { document: { endpoint: https://petstore.swagger.io/v2/swagger.json }, operationId: getPetByID } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1023'
    And the refusal should say 'getPetById'

  Scenario: Secrets by name in authentication
    Given a workflow doing:
    """yaml
    use:
      secrets: [ token ]
      authentications: { t: { bearer: { token: '${ $secrets.token }' } } }
    do:
      - a: { call: http, with: { method: get, endpoint: { uri: https://echo.test/, authentication: { use: t } } } }
    """
    When the workflow is published
    Then the document should draw no warning

  Scenario: A secret in an expression that computes is refused
    Given a workflow doing:
    """yaml
    use: { secrets: [ token ] }
    do:
      - a: { set: { t: '${ $secrets.token }' } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1046'

  Scenario: A secret that is not declared is refused
    Given a workflow doing:
    """yaml
    use: { secrets: [ token ] }
    do:
      - a: { call: http, with: { method: get, endpoint: { uri: https://echo.test/, authentication: { bearer: { token: '${ $secrets.tokn }' } } } } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1046'

  Scenario Outline: Every kind of authentication is read
    Given a workflow doing:
    """yaml
    use: { secrets: [ s ], authentications: { a: { <auth> } } }
    do:
      - a: { if: 'false', call: http, with: { method: get, endpoint: { uri: https://echo.test/, authentication: { use: a } } } }
      - b: { if: 'false', call: http, with: { method: get, endpoint: { uri: https://echo.test/, authentication: { <auth> } } } }
    """
    When the workflow is executed
    Then the workflow should complete
    Examples:
      | auth |
      | basic: { use: s } |
      | basic: { username: '${ .u }', password: '${ $secrets.s }' } |
      | bearer: { use: s } |
      | bearer: { token: abc } |
      | digest: { use: s } |
      | digest: { username: a, password: b } |
      | oauth2: { use: s } |
      | oauth2: { authority: https://auth.test, grant: client_credentials, client: { id: a, secret: b } } |
      | oauth2: { authority: 'https://auth.test/{x}', endpoints: { token: /t, revocation: /r, introspection: /i }, grant: client_credentials, client: { id: a, secret: b, authentication: client_secret_basic }, request: { encoding: application/json }, issuers: [ https://auth.test ], scopes: [ api ], audiences: [ runtime ] } |
      | oauth2: { authority: https://auth.test, grant: password, username: u, password: p, client: { id: a, authentication: none } } |
      | oauth2: { authority: https://auth.test, grant: client_credentials, client: { id: a, assertion: j, authentication: private_key_jwt } } |
      | oauth2: { authority: https://auth.test, grant: client_credentials, client: { id: a, secret: j, authentication: client_secret_jwt } } |
      | oauth2: { authority: https://auth.test, grant: 'urn:ietf:params:oauth:grant-type:token-exchange', client: { id: a, secret: b }, subject: { token: t, type: 'urn:ietf:params:oauth:token-type:access_token' }, actor: { token: t, type: x } } |
      | oidc: { authority: https://auth.test/.well-known/openid-configuration, grant: client_credentials, client: { id: a, secret: b }, scopes: [ api ], audiences: [ runtime ] } |
      | oidc: { use: s } |

  Scenario: Run a workflow with input, its output
    Given a workflow doing:
    """yaml
    do:
      - r: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: { n: '${ .x }' } } } }
    """
    And another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
    input: { schema: { document: { type: object, required: [ n ] } } }
    do: [ { a: { set: { m: '${ .n + 1 }' } } } ]
    """
    And the workflow input is:
    """yaml
    x: 4
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    m: 5
    """

  Scenario: Run without await gives its input
    Given a workflow doing:
    """yaml
    do:
      - r: { run: { await: false, workflow: { namespace: ctk, name: child, version: '1.0.0', input: { n: 1 } } } }
    """
    And another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
    do: [ { a: { wait: PT1H } } ]
    """
    And the workflow input is:
    """yaml
    x: 4
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    x: 4
    """

  Scenario: A child's error is the parent's, catchable
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { r: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0' } } } } ]
          catch: { errors: { with: { status: 418 } }, do: [ { h: { set: { t: '${ $error.title }' } } } ] }
    """
    And another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
    do: [ { a: { raise: { error: { type: https://e.com/tea, status: 418, title: Tea } } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    t: Tea
    """

  Scenario: Return none
    Given a workflow doing:
    """yaml
    do:
      - r: { run: { workflow: { namespace: ctk, name: child, version: '1.0.0', input: {} }, return: none } }
    """
    And another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: ctk, name: child, version: '1.0.0' }
    do: [ { a: { set: { m: 1 } } } ]
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario: Latest is refused
    Given a workflow doing:
    """yaml
    do:
      - r: { run: { workflow: { namespace: ctk, name: case, version: latest } } }
    """
    When the workflow is published
    Then the document should be refused with 'PV1031'

  Scenario Outline: Refused by the profile, with the reason
    Given a workflow doing:
    """yaml
    do:
      - r: { <task> }
    """
    When the workflow is published
    Then the document should be refused with '<code>'
    Examples:
      | task                                                            | code   |
      | run: { shell: { command: ls } }                                 | PV1031 |
      | run: { script: { language: js, code: '1' } }                    | PV1031 |
      | run: { container: { image: alpine } }                           | PV1031 |
      | call: 'log:1.0.0@global'                                        | PV1031 |
      | call: grpc, with: { proto: { endpoint: file://a.proto }, service: { name: a.B, host: localhost }, method: m } | PV1032 |
      | call: mcp, with: { method: tools/list, transport: { http: { endpoint: https://x.com } } } | PV1032 |
      | call: a2a, with: { method: tasks/list, server: https://x.com }  | PV1032 |

  Scenario: Loose mode is refused, strict is fine
    Given a workflow doing:
    """yaml
    evaluate: { language: jq, mode: loose }
    do: [ { a: { set: { n: 1 } } } ]
    """
    When the workflow is published
    Then the document should be refused with 'PV1031'

  Scenario: Strict mode is accepted
    Given a workflow doing:
    """yaml
    evaluate: { language: jq, mode: strict }
    do: [ { a: { set: { n: 1 } } } ]
    """
    When the workflow is executed
    Then the workflow should complete
