Feature: The forms of the reference page
  One document for each form that the upstream reference of the language shows, in words of our own: it runs, or is refused at publish
  with the reason.

  Scenario: Document and evaluation
    Given a workflow with definition:
      """yaml
      document:
        dsl: '1.0.3'
        namespace: shop
        name: greet
        version: '0.1.0-rc.2+build'
        title: Greeting
        summary: |
          # Greeting
        tags: { team: front }
        metadata: { reviewed: true }
      evaluate: { language: jq, mode: strict }
      do:
        - hello: { set: { text: '${ "Hello \(.name)" }' } }
      """
    And the workflow input is:
      """yaml
      { name: Ann }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { text: Hello Ann }
      """

  Scenario: Input, output and export
    Given a workflow doing:
      """yaml
      input:
        schema: { format: json, document: { type: object, required: [ order ], properties: { order: { type: object } } } }
        from: .order
      output:
        as: { paid: '${ .sum }' }
        schema: { format: json, document: { type: object, required: [ paid ] } }
      do:
        - keep: { input: { from: '.lines' }, set: { sum: '${ map(.price) | add }' }, export: { as: '$context + .', schema: { format: json, document: { type: object } } } }
        - again: { set: { sum: '${ $context.sum }' } }
      """
    And the workflow input is:
      """yaml
      { order: { lines: [ { price: 3 }, { price: 4 } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { paid: 7 }
      """

  Scenario: A timeout by name and one written out
    Given a workflow doing:
      """yaml
      use: { timeouts: { short: { after: { seconds: 5 } } } }
      timeout: { after: PT1H }
      do:
        - slow: { wait: { minutes: 1 }, timeout: short }
      """
    When the workflow is executed
    Then the workflow should fault with 'timeout'
    And the workflow should take 5 seconds

  Scenario: Durations of every unit
    Given a workflow doing:
      """yaml
      do: [ { w: { wait: { days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 500 } } }, { v: { wait: PT0.5S } } ]
      """
    When the workflow is executed
    Then the workflow should take 90062 seconds

  Scenario: A duration that is computed
    Given a workflow doing:
      """yaml
      do: [ { w: { wait: '${ .long }' } } ]
      """
    And the workflow input is:
      """yaml
      { long: PT1H30M }
      """
    When the workflow is executed
    Then the workflow should take 90 minutes

  Scenario: A month is no duration
    Given a workflow doing:
      """yaml
      do: [ { w: { wait: P1M } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1025' at line 2
    And the refusal should say 'no fixed length'

  Scenario: A function without arguments
    Given a workflow doing:
      """yaml
      use: { functions: { seven: { set: { n: 7 } } } }
      do: [ { f: { call: seven } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 7 }
      """

  Scenario: A request over HTTP with everything
    Given a workflow doing:
      """yaml
      do:
        - ask:
            call: http
            with:
              method: post
              endpoint: { uri: 'https://api.example/orders/{id}' }
              headers: { X-Trace: '${ .trace }' }
              query: { dry: '${ .dry }' }
              body: { lines: '${ .lines }' }
              output: content
              redirect: false
      """
    And the host 'api.example' answers what it is asked
    And the workflow input is:
      """yaml
      { id: 9, trace: t1, dry: 'yes', lines: [ 1 ] }
      """
    When the workflow is executed
    And the workflow output should have a 'path' property with value:
      """yaml
      /anything/orders/9
      """
    And the workflow output should have a 'query' property with value:
      """yaml
      dry=yes
      """
    And the workflow output should have a 'headers.x-trace' property with value:
      """yaml
      t1
      """
    And the workflow output should have a 'json' property with value:
      """yaml
      { lines: [ 1 ] }
      """

  Scenario: A response in full
    Given a workflow doing:
      """yaml
      do: [ { ask: { call: http, with: { method: get, endpoint: 'http://stub/v2/pet/3', output: response } } } ]
      """
    When the workflow is executed
    Then the workflow output should have properties 'request.method', 'request.uri', 'headers', 'statusCode', 'content.id'

  Scenario: A response as it came
    Given a workflow doing:
      """yaml
      do: [ { ask: { call: http, with: { method: get, endpoint: 'http://stub/bearer', output: raw, headers: { authorization: Bearer x } } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      eyJhdXRoZW50aWNhdGVkIjp0cnVlfQ==
      """

  Scenario: Whole objects that are computed
    Given a workflow doing:
      """yaml
      do: [ { ask: { call: http, with: { method: get, endpoint: 'https://api.example/', headers: '${ .h }', query: '${ .q }' } } } ]
      """
    And the host 'api.example' answers what it is asked
    And the workflow input is:
      """yaml
      { h: { b: two }, q: { a: 1 } }
      """
    When the workflow is executed
    And the workflow output should have a 'query' property with value:
      """yaml
      a=1
      """
    And the workflow output should have a 'headers.b' property with value:
      """yaml
      two
      """

  Scenario: A template without its value sends nothing
    Given a workflow doing:
      """yaml
      do: [ { ask: { call: http, with: { method: delete, endpoint: 'https://api.example/pets/{petId}' } } } ]
      """
    And the host 'api.example' answers what it is asked
    And the workflow input is:
      """yaml
      {}
      """
    When the workflow is executed
    Then the workflow should fault with 'path-argument'

  Scenario: An OpenAPI operation of a named resource
    Given a workflow doing:
      """yaml
      do: [ { pet: { call: openapi, with: { document: { name: pets, endpoint: { uri: 'https://petstore.swagger.io/v2/swagger.json' } }, operationId: getPetById, parameters: { petId: 4 }, output: content, redirect: true } } } ]
      """
    When the workflow is executed
    And the workflow output should have a 'id' property with value:
      """yaml
      4
      """

  Scenario: An event with all its attributes
    Given a workflow doing:
      """yaml
      do:
        - tell:
            emit:
              event:
                with:
                  source: https://shop.example
                  type: com.example.told.v1
                  subject: '${ .who }'
                  time: '2030-01-02T03:04:05Z'
                  datacontenttype: application/json
                  dataschema: https://shop.example/told.json
                  data: '${ { who } }'
                  tier: gold
      """
    And the workflow input is:
      """yaml
      { who: Ann }
      """
    When the workflow is executed
    And the workflow output should have a 'subject' property with value:
      """yaml
      Ann
      """
    And the workflow output should have a 'time' property with value:
      """yaml
      '2030-01-02T03:04:05Z'
      """
    And the workflow output should have a 'data' property with value:
      """yaml
      { who: Ann }
      """
    And the workflow output should have a 'tier' property with value:
      """yaml
      gold
      """
    And the workflow output should have a 'dataschema' property with value:
      """yaml
      https://shop.example/told.json
      """

  Scenario: A loop with the names that are given by default
    Given a workflow doing:
      """yaml
      do: [ { each: { for: { in: .list }, do: [ { one: { set: { list: '${ .list }', sum: '${ .sum + $item * $index }' } } } ], output: { as: .sum } } } ]
      """
    And the workflow input is:
      """yaml
      { list: [ 1, 2, 3 ], sum: 0 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      8
      """

  Scenario: A loop that stops
    Given a workflow doing:
      """yaml
      do: [ { each: { for: { each: n, in: '${ .list }', at: i }, while: '$n < 3', do: [ { one: { set: { list: '${ .list }', last: '${ $n }' } } } ], output: { as: .last } } } ]
      """
    And the workflow input is:
      """yaml
      { list: [ 1, 2, 3, 4 ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      2
      """

  Scenario: Branches
    Given a workflow doing:
      """yaml
      do: [ { both: { fork: { branches: [ { a: { set: { n: 1 } } }, { b: { set: { n: 2 } } } ] } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      [ { n: 1 }, { n: 2 } ]
      """

  Scenario: Competing branches
    Given a workflow doing:
      """yaml
      do: [ { race: { fork: { compete: true, branches: [ { slow: { wait: PT1M } }, { fast: { set: { n: 2 } } } ] } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """

  Scenario: Listening for data
    Given a workflow doing:
      """yaml
      do: [ { hear: { listen: { to: { one: { with: { type: com.example.a } } }, read: data } } } ]
      """
    When the workflow is started
    When the event is sent:
      """yaml
      { type: com.example.a, data: { n: 1 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ { n: 1 } ]
      """

  Scenario: Listening for envelope
    Given a workflow doing:
      """yaml
      do: [ { hear: { listen: { to: { one: { with: { type: com.example.a } } }, read: envelope } } } ]
      """
    When the workflow is started
    When the event is sent:
      """yaml
      { type: com.example.a, data: { n: 1 } }
      """
    Then the workflow should complete
    And the workflow output should have a '0.data' property with value:
      """yaml
      { n: 1 }
      """

  Scenario: Listening for raw
    Given a workflow doing:
      """yaml
      do: [ { hear: { listen: { to: { one: { with: { type: com.example.a } } }, read: raw } } } ]
      """
    When the workflow is started
    When the event is sent:
      """yaml
      { type: com.example.a, data: { n: 1 } }
      """
    Then the workflow should complete

  Scenario: Any event at all, until a condition holds
    Given a workflow doing:
      """yaml
      do: [ { hear: { listen: { to: { any: [], until: 'length == 2' } } } } ]
      """
    When the workflow is started
    When the event is sent:
      """yaml
      { type: a, data: 1 }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: b, data: 2 }
      """
    Then the workflow should complete with output:
      """yaml
      [ 1, 2 ]
      """

  Scenario: Until all of several events
    Given a workflow doing:
      """yaml
      do: [ { hear: { listen: { to: { any: [ { with: { type: a } } ], until: { all: [ { with: { type: b } }, { with: { type: c } } ] } } } } } ]
      """
    When the workflow is started
    When the event is sent:
      """yaml
      { type: a, data: 1 }
      """
    When the event is sent:
      """yaml
      { type: b }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: c }
      """
    Then the workflow should complete with output:
      """yaml
      [ 1 ]
      """

  Scenario: Each event through a list of its own
    Given a workflow doing:
      """yaml
      do: [ { hear: { listen: { to: { any: [ { with: { type: a } } ], until: 'length == 2' } }, foreach: { item: it, at: at, do: [ { one: { set: { got: '${ $it.n + $at }' } } } ], output: { as: .got } } } } ]
      """
    When the workflow is started
    When the event is sent:
      """yaml
      { type: a, data: { n: 5 } }
      """
    When the event is sent:
      """yaml
      { type: a, data: { n: 5 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ 5, 6 ]
      """

  Scenario: A correlation that expects a value
    Given a workflow doing:
      """yaml
      do: [ { hear: { listen: { to: { one: { with: { type: a }, correlate: { order: { from: .data.order, expect: '${ .id }' } } } } } } } ]
      """
    And the workflow input is:
      """yaml
      { id: 7 }
      """
    When the workflow is started
    When the event is sent:
      """yaml
      { type: a, data: { order: 8 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: a, data: { order: 7 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ { order: 7 } ]
      """

  Scenario: A raised error with every member
    Given a workflow doing:
      """yaml
      do: [ { stop: { raise: { error: { type: 'https://shop.example/errors/late', status: 409, title: '${ .why }', detail: too late, instance: /here } } } } ]
      """
    And the workflow input is:
      """yaml
      { why: closed }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { type: 'https://shop.example/errors/late', status: 409, title: closed, detail: too late, instance: /here }
      """

  Scenario: A workflow that is run and not waited for
    Given a workflow doing:
      """yaml
      do: [ { go: { run: { workflow: { namespace: ctk, name: other, version: '1.0.0', input: { n: 1 } }, await: false } } } ]
      """
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: other, version: '1.0.0' }
      do: [ { w: { wait: PT1M } } ]
      """
    And the workflow input is:
      """yaml
      { mine: true }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { mine: true }
      """
    And there should be 1 completed run of 'other'

  Scenario: A switch with its default and each direction
    Given a workflow doing:
      """yaml
      do:
        - choose: { switch: [ { one: { when: '.n == 1', then: exit } }, { two: { when: '${ .n == 2 }', then: end } }, { three: { when: .n == 3, then: last } }, { other: { then: continue } } ] }
        - next: { set: { went: next }, then: end }
        - last: { set: { went: last } }
      """
    And the workflow input is:
      """yaml
      { n: 4 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { went: next }
      """

  Scenario Outline: The standard error <kind> under its other spelling
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { r: { raise: { error: { type: 'https://serverlessworkflow.io/spec/1.0.0/errors/<kind>', status: <status> } } } } ]
            catch: { errors: { with: { type: 'https://open-workflow-specification.org/dsl/errors/types/<kind>', status: <status> } }, as: e, do: [ { s: { set: { kind: '${ $e.type }' } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { kind: 'https://serverlessworkflow.io/spec/1.0.0/errors/<kind>' }
      """

    Examples:
      | kind           | status |
      | configuration  | 400    |
      | validation     | 400    |
      | expression     | 400    |
      | authentication | 401    |
      | authorization  | 403    |
      | timeout        | 408    |
      | communication  | 500    |
      | runtime        | 500    |

  Scenario: A constant backoff
    Given a workflow doing:
      """yaml
      do: [ { t: { try: [ { a: { call: http, with: { method: get, endpoint: 'https://api.example' } } } ], catch: { errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/communication } }, retry: { delay: { seconds: 2 }, backoff: { constant: {} }, limit: { attempt: { count: 5 } } } } } } ]
      """
    And 'http.call' answers:
      """yaml
      busy
      busy
      busy
      done {}
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 6 seconds
    And 'http.call' should be called 4 times

  Scenario: A linear backoff
    Given a workflow doing:
      """yaml
      do: [ { t: { try: [ { a: { call: http, with: { method: get, endpoint: 'https://api.example' } } } ], catch: { errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/communication } }, retry: { delay: { seconds: 2 }, backoff: { linear: {} }, limit: { attempt: { count: 5 } } } } } } ]
      """
    And 'http.call' answers:
      """yaml
      busy
      busy
      busy
      done {}
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 12 seconds
    And 'http.call' should be called 4 times

  Scenario: An exponential backoff
    Given a workflow doing:
      """yaml
      do: [ { t: { try: [ { a: { call: http, with: { method: get, endpoint: 'https://api.example' } } } ], catch: { errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/communication } }, retry: { delay: { seconds: 2 }, backoff: { exponential: {} }, limit: { attempt: { count: 5 } } } } } } ]
      """
    And 'http.call' answers:
      """yaml
      busy
      busy
      busy
      done {}
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 14 seconds
    And 'http.call' should be called 4 times

  Scenario: The time for all attempts is over
    Given a workflow doing:
      """yaml
      do: [ { t: { try: [ { a: { call: http, with: { method: get, endpoint: 'https://api.example' } } } ], catch: { retry: { delay: { seconds: 4 }, limit: { attempt: { count: 9 }, duration: { seconds: 9 } } } } } } ]
      """
    And 'http.call' answers:
      """yaml
      busy
      """
    When the workflow is executed
    Then the workflow should fault with 'communication'
    And 'http.call' should be called 3 times

  Scenario: Jitter is between its bounds
    Given a workflow doing:
      """yaml
      do: [ { t: { try: [ { a: { call: http, with: { method: get, endpoint: 'https://api.example' } } } ], catch: { retry: { delay: { seconds: 4 }, jitter: { from: { seconds: 0 }, to: { seconds: 0 } }, limit: { attempt: { count: 9 } } } } } } ]
      """
    And 'http.call' answers:
      """yaml
      busy
      done {}
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 4 seconds

  Scenario: What is caught by a condition, and what is not
    Given a workflow doing:
      """yaml
      do: [ { t: { try: [ { r: { raise: { error: { type: 'https://x.example/e', status: 500, detail: d } } } } ], catch: { as: err, when: '${ $err.status == 500 }', exceptWhen: '$err.detail == "x"', do: [ { s: { set: { n: '${ $err.status }' } } } ] } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 500 }
      """

  Scenario: An authentication for all calls
    Given a workflow doing:
      """yaml
      use: { authentications: { shop: { basic: { username: ann, password: word } } } }
      do: [ { in: { call: http, with: { method: get, endpoint: { uri: 'http://stub/basic-auth/ann/word', authentication: { use: shop } } } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { authenticated: true }
      """

  Scenario: Digest, and OAuth2 with all its settings
    Given a workflow doing:
      """yaml
      do:
        - one: { call: http, with: { method: get, endpoint: { uri: 'https://api.example', authentication: { digest: { username: ann, password: word } } } } }
        - two:
            call: http
            with:
              method: get
              endpoint:
                uri: https://api.example
                authentication:
                  oauth2:
                    authority: https://login.example
                    endpoints: { token: /token, revocation: /revoke, introspection: /introspect }
                    grant: client_credentials
                    client: { id: me, secret: word, authentication: client_secret_basic }
                    request: { encoding: application/x-www-form-urlencoded }
                    issuers: [ https://login.example ]
                    scopes: [ api ]
                    audiences: [ shop ]
      """
    And 'http.call' answers:
      """yaml
      done {}
      """
    When the workflow is executed
    Then the workflow should complete
    And 'http.call' should be called 2 times

  Scenario: A secret in a header
    Given a workflow doing:
      """yaml
      use: { secrets: [ shop-key ] }
      do: [ { in: { call: http, with: { method: get, endpoint: 'https://api.example', headers: { x-key: '${ $secrets["shop-key"] }' } } } } ]
      """
    And 'http.call' answers:
      """yaml
      done {}
      """
    When the workflow is executed
    Then the workflow should complete
    And 'http.call' should be called with the secret 'shop-key'

  Scenario: An extension that answers for a host
    Given a workflow doing:
      """yaml
      use:
        extensions:
          - stand-in:
              extend: call
              when: $task.definition.call == "http" and ($task.with.endpoint.uri // "" | startswith("https://gone.example"))
              before: [ { answer: { set: { content: { mocked: true } }, then: exit } } ]
      do:
        - ask: { call: http, with: { method: get, endpoint: { uri: 'https://gone.example/x' } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { content: { mocked: true } }
      """
    And 'http.call' should be called 0 times

  Scenario: What the runtime tells of itself
    Given a workflow doing:
      """yaml
      do: [ { a: { set: { runtime: '${ $runtime.name }', workflow: '${ $workflow.definition.document.name }', task: '${ $task.name }', began: '${ $workflow.startedAt.epoch.seconds }' } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { runtime: provost, workflow: case, task: a, began: 4102444800 }
      """

  Scenario: The raw input of a task
    Given a workflow doing:
      """yaml
      do: [ { a: { input: { from: .order }, set: { raw: '${ $task.input }', own: '${ $input }' } } } ]
      """
    And the workflow input is:
      """yaml
      { order: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { raw: { order: 1 }, own: 1 }
      """

  Scenario: Metadata of a task
    Given a workflow doing:
      """yaml
      do: [ { a: { if: .go, set: { n: 1 }, metadata: { any: [ thing ] } } } ]
      """
    And the workflow input is:
      """yaml
      { go: true }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """

  Scenario: An error that is caught leads on
    Given a workflow doing:
      """yaml
      do: [ { t: { try: [ { r: { raise: { error: { type: 'https://x.example/e', status: 500 } } } } ], catch: { then: last } } }, { skipped: { set: { n: 1 } } }, { last: { set: { n: 2 } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """

  Scenario: Schemas from elsewhere
    Given a workflow doing:
      """yaml
      input: { schema: { format: json, resource: { endpoint: https://shop.example/order.json } } }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2
    And the refusal should say 'schemas from elsewhere'

  Scenario: Another format of schemas
    Given a workflow doing:
      """yaml
      input: { schema: { format: avro, document: { type: object } } }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1027' at line 2
    And the refusal should say 'avro'

  Scenario: Another language of expressions
    Given a workflow doing:
      """yaml
      evaluate: { language: javascript }
      do: [ { a: { set: { n: 1 } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2
    And the refusal should say 'javascript'

  Scenario: A function of a catalogue elsewhere
    Given a workflow doing:
      """yaml
      use: { catalogs: { far: { endpoint: { uri: 'https://shop.example/catalog' } } } }
      do: [ { a: { call: 'log:1.0.0@far', with: {} } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2
    And the refusal should say 'catalogues from elsewhere'

  Scenario: A function by its address
    Given a workflow doing:
      """yaml
      do: [ { a: { call: 'https://shop.example/f@v1.0.0', with: {} } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2
    And the refusal should say 'functions from other catalogues'

  Scenario: A flow that needs a browser
    Given a workflow doing:
      """yaml
      do: [ { a: { call: http, with: { method: get, endpoint: { uri: 'https://api.example', authentication: { oauth2: { authority: 'https://login.example', grant: authorization_code, client: { id: me } } } } } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2
    And the refusal should say 'authorization_code'

  Scenario: A method that is computed
    Given a workflow doing:
      """yaml
      do: [ { a: { call: http, with: { method: '${ .m }', endpoint: 'https://api.example' } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 2
    And the refusal should say 'must be written out'

  Scenario: An address without a host
    Given a workflow doing:
      """yaml
      do: [ { a: { call: http, with: { method: get, endpoint: 'https://' } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 2
    And the refusal should say 'no absolute http or https address'

  Scenario: Text with an expression inside
    Given a workflow doing:
      """yaml
      do: [ { a: { set: { text: 'Hello ${ .name }!' } } } ]
      """
    When the workflow is published
    Then the document should draw the warning 'PV2003'
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { text: 'Hello ${ .name }!' }
      """

  Scenario: A time for each attempt
    Given a workflow doing:
      """yaml
      do: [ { t: { try: [ { a: { set: { n: 1 } } } ], catch: { retry: { limit: { attempt: { count: 2, duration: { seconds: 5 } } } } } } } ]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """

  Scenario: A container is no task
    Given a workflow doing:
      """yaml
      do: [ { a: { run: { container: { image: 'shop/tool:1', ports: { 80: 8080 }, lifetime: { cleanup: always }, pullPolicy: always } } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2
    And the refusal should say 'run: container'

  Scenario: A script is no task
    Given a workflow doing:
      """yaml
      do: [ { a: { run: { script: { language: python, code: print(1), arguments: [ a ], stdin: '${ . }' } } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2
    And the refusal should say 'run: script'

  Scenario: A shell is no task
    Given a workflow doing:
      """yaml
      do: [ { a: { run: { shell: { command: ls, environment: { A: b } } } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 2
    And the refusal should say 'run: shell'

  Scenario: asyncapi is read and waits for its own work
    Given a workflow doing:
      """yaml
      do: [ { a: { call: asyncapi, with: { document: { endpoint: 'https://shop.example/asyncapi.json' }, operation: chat, server: { name: main, variables: { a: b } }, protocol: http, message: { payload: { a: 1 }, headers: { b: c } } } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 2
    And the refusal should say 'call: asyncapi'

  Scenario: grpc is read and waits for its own work
    Given a workflow doing:
      """yaml
      do: [ { a: { call: grpc, with: { proto: { endpoint: 'file://greet.proto' }, service: { name: Greeter, host: localhost, port: 5011 }, method: SayHello, arguments: { a: 1 } } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 2
    And the refusal should say 'call: grpc'

  Scenario: a2a is read and waits for its own work
    Given a workflow doing:
      """yaml
      do: [ { a: { call: a2a, with: { method: message/send, agentCard: { endpoint: 'https://shop.example/card.json' }, parameters: { message: { parts: [ { kind: text, text: hi } ] } } } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 2
    And the refusal should say 'call: a2a'

  Scenario: mcp is read and waits for its own work
    Given a workflow doing:
      """yaml
      do: [ { a: { call: mcp, with: { protocolVersion: '2025-06-18', method: tools/call, parameters: { name: add, arguments: { a: 1 } }, transport: { http: { endpoint: 'https://shop.example/mcp', headers: { a: b } } }, client: { name: me, version: '1.0.0' } } } } ]
      """
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 2
    And the refusal should say 'call: mcp'
