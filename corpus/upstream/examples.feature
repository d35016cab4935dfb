Feature: The upstream examples
  Each example document of the upstream repository: it runs, with an input that fits it, to the end that its text means; or it is refused
  at publish, at the place that the profile refuses. The documents are read where they are lent, by their names.

  Scenario: Readings of one room, and an expression that does not fit a list of events
    Given a workflow from 'accumulate-room-readings.yaml'
    And a file 'apis/myorg.io/ordersservices.json':
      """yaml
      { "openapi": "3.0.0", "info": { "title": "Orders", "version": "1" }, "servers": [{ "url": "http://myorg.io" }], "paths": {
        "/readings": { "post": { "operationId": "logreading", "responses": {} } },
        "/report": { "get": { "operationId": "produceReport", "responses": {} } } } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: my.home.sensors.temperature, source: https://my.home.com/sensor, roomid: kitchen, data: { reading: 21 } }
      """
    And the event is sent:
      """yaml
      { type: my.home.sensors.humidity, source: https://my.home.com/sensor, roomid: bath, data: { reading: 60 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: my.home.sensors.humidity, source: https://my.home.com/sensor, roomid: kitchen, data: { reading: 40 } }
      """
    Then the workflow should fault with 'expression'
    And consumeReading should fault

  Scenario: The hour for the readings is over
    Given a workflow from 'accumulate-room-readings.yaml'
    And a file 'apis/myorg.io/ordersservices.json':
      """yaml
      { "openapi": "3.0.0", "info": { "title": "Orders", "version": "1" }, "servers": [{ "url": "http://myorg.io" }], "paths": {
        "/readings": { "post": { "operationId": "logreading", "responses": {} } },
        "/report": { "get": { "operationId": "produceReport", "responses": {} } } } }
      """
    When the workflow is started
    And 61 minutes pass
    Then the workflow should fault with 'timeout'

  Scenario: A bearer token, with a template
    Given a workflow from 'authentication-bearer-uri-format.yaml'
    And the host 'petstore.swagger.io' answers what it is asked
    And the workflow input is:
      """yaml
      { petId: 7, token: t0ken }
      """
    When the workflow is executed
    And the workflow output should have a 'headers.authorization' property with value:
      """yaml
      Bearer t0ken
      """
    And the workflow output should have a 'path' property with value:
      """yaml
      /anything/v2/pet/7
      """

  Scenario: A bearer token
    Given a workflow from 'authentication-bearer.yaml'
    And the host 'petstore.swagger.io' answers what it is asked
    And the workflow input is:
      """yaml
      { token: t0ken }
      """
    When the workflow is executed
    And the workflow output should have a 'headers.authorization' property with value:
      """yaml
      Bearer t0ken
      """
    And the workflow output should have a 'path' property with value:
      """yaml
      /anything/v2/pet/1
      """

  Scenario: OAuth2 out of a secret
    Given a workflow from 'authentication-oauth2-secret.yaml'
    And 'http.call' answers:
      """yaml
      done {"id":1}
      """
    And the workflow input is:
      """yaml
      { petId: 1 }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'http.call' should be called with the secret 'mySecret'

  Scenario: OAuth2 with client credentials
    Given a workflow from 'authentication-oauth2.yaml'
    And the host 'petstore.swagger.io' answers what it is asked
    And the host 'keycloak' answers what it is asked
    And the workflow input is:
      """yaml
      { petId: 1 }
      """
    When the workflow is executed
    And the workflow output should have a 'headers.authorization' property with value:
      """yaml
      Bearer ***
      """

  Scenario: OpenID Connect out of a secret
    Given a workflow from 'authentication-oidc-secret.yaml'
    And 'http.call' answers:
      """yaml
      done {"id":1}
      """
    And the workflow input is:
      """yaml
      { petId: 1 }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'http.call' should be called with the secret 'mySecret'

  Scenario: OpenID Connect finds its token endpoint
    Given a workflow from 'authentication-oidc.yaml'
    And the host 'petstore.swagger.io' answers what it is asked
    And the host 'keycloak' answers what it is asked
    And the workflow input is:
      """yaml
      { petId: 1 }
      """
    When the workflow is executed
    And the workflow output should have a 'headers.authorization' property with value:
      """yaml
      Bearer ***
      """

  Scenario: An authentication by name
    Given a workflow from 'authentication-reusable.yaml'
    And the host 'petstore.swagger.io' answers what it is asked
    And the workflow input is:
      """yaml
      { petId: 1, token: t0ken }
      """
    When the workflow is executed
    And the workflow output should have a 'headers.authorization' property with value:
      """yaml
      Bearer t0ken
      """

  Scenario: AsyncAPI: a message
    Given a workflow from 'call-asyncapi-publish.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 8
    And the refusal should say 'call: asyncapi'

  Scenario: AsyncAPI: so many messages
    Given a workflow from 'call-asyncapi-subscribe-consume-amount.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 8
    And the refusal should say 'call: asyncapi'

  Scenario: AsyncAPI: for ever
    Given a workflow from 'call-asyncapi-subscribe-consume-forever-foreach.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 8
    And the refusal should say 'call: asyncapi'

  Scenario: AsyncAPI: until
    Given a workflow from 'call-asyncapi-subscribe-consume-until.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 8
    And the refusal should say 'call: asyncapi'

  Scenario: AsyncAPI: while
    Given a workflow from 'call-asyncapi-subscribe-consume-while.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 8
    And the refusal should say 'call: asyncapi'

  Scenario: A function from elsewhere
    Given a workflow from 'call-custom-function-cataloged.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 8
    And the refusal should say 'other catalogues'

  Scenario: A function of the document
    Given a workflow from 'call-custom-function-inline.yaml'
    When the workflow is executed
    And the workflow output should have a 'id' property with value:
      """yaml
      69
      """
    And the workflow output should have properties 'name', 'status'

  Scenario: gRPC
    Given a workflow from 'call-grpc.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 8
    And the refusal should say 'call: grpc'

  Scenario: MCP
    Given a workflow from 'call-mcp.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1032' at line 8
    And the refusal should say 'call: mcp'

  Scenario: A template as the endpoint
    Given a workflow from 'call-http-endpoint-interpolation-shorthand.yaml'
    And the workflow input is:
      """yaml
      { petId: 5 }
      """
    When the workflow is executed
    And the workflow output should have a 'id' property with value:
      """yaml
      5
      """

  Scenario: An expression as the endpoint
    Given a workflow from 'call-http-endpoint-interpolation.yaml'
    And the workflow input is:
      """yaml
      { petId: 5 }
      """
    When the workflow is executed
    And the workflow output should have a 'id' property with value:
      """yaml
      5
      """

  Scenario: Query and headers out of the data
    Given a workflow from 'call-http-query-headers-expressions.yaml'
    And the host 'swapi.dev' answers what it is asked
    And the workflow input is:
      """yaml
      { searchQuery: luke }
      """
    When the workflow is executed
    And the workflow output should have a 'query' property with value:
      """yaml
      search=luke
      """
    And the workflow output should have a 'headers.accept' property with value:
      """yaml
      application/json
      """

  Scenario: An input that breaks its schema
    Given a workflow from 'call-http-query-headers-expressions.yaml'
    And the workflow input is:
      """yaml
      { searchQuery: 7 }
      """
    When the workflow is executed
    Then the workflow should fault with 'validation'

  Scenario: A query
    Given a workflow from 'call-http-query-parameters.yaml'
    And the host 'swapi.dev' answers what it is asked
    And the workflow input is:
      """yaml
      { searchQuery: a b }
      """
    When the workflow is executed
    And the workflow output should have a 'query' property with value:
      """yaml
      search=a%20b
      """

  Scenario: Redirects are allowed
    Given a workflow from 'call-http-redirect.yaml'
    And the host 'swapi.dev' answers what it is asked
    And the workflow input is:
      """yaml
      { searchQuery: luke }
      """
    When the workflow is executed
    And the workflow output should have a 'query' property with value:
      """yaml
      search=luke
      """

  Scenario: An operation, redirects allowed
    Given a workflow from 'call-openapi-redirect.yaml'
    When the workflow is executed
    Then the workflow output should have properties '0.id', '1.status'

  Scenario: An operation
    Given a workflow from 'call-openapi.yaml'
    When the workflow is executed
    Then the workflow output should have properties '0.id', '1.status'

  Scenario: Too young
    Given a workflow from 'conditional-task.yaml'
    And the workflow input is:
      """yaml
      { customer: { age: 17 }, bet: home }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { type: https://superbet-casinos.com/customer/access-forbidden, status: 400, title: Access Forbidden }
      """
    And placeBet should not run

  Scenario: Old enough
    Given a workflow from 'conditional-task.yaml'
    And the host 'superbet-casinos.com' answers what it is asked
    And the workflow input is:
      """yaml
      { customer: { age: 18 }, bet: home }
      """
    When the workflow is executed
    And the workflow output should have a 'method' property with value:
      """yaml
      POST
      """
    And the workflow output should have a 'path' property with value:
      """yaml
      /anything/api/bet/on/football
      """
    And raiseErrorIfUnderage should be skipped

  Scenario: One after the other
    Given a workflow from 'do-multiple.yaml'
    And the workflow input is:
      """yaml
      { petId: 5 }
      """
    When the workflow is executed
    Then the workflow should fault with 'path-argument'
    And getPet should complete
    And buyPet should fault

  Scenario: One task
    Given a workflow from 'do-single.yaml'
    And the workflow input is:
      """yaml
      { petId: 5 }
      """
    When the workflow is executed
    And the workflow output should have a 'id' property with value:
      """yaml
      5
      """

  Scenario: An event
    Given a workflow from 'emit.yaml'
    When the workflow is executed
    And the workflow output should have a 'type' property with value:
      """yaml
      com.petstore.order.placed.v1
      """
    And the workflow output should have a 'data.items.0.quantity' property with value:
      """yaml
      101
      """
    And an event of type 'com.petstore.order.placed.v1' should be emitted once

  Scenario: A list that is written out
    Given a workflow from 'for-inline-array.yaml'
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      processed: [ { name: red, hex: '#FF0000' }, { name: green, hex: '#00FF00' }, { name: blue, hex: '#0000FF' } ]
      """

  Scenario: Each pet, as long as there is a vet
    Given a workflow from 'for.yaml'
    And the workflow input is:
      """yaml
      { vet: Ann, pets: [ { id: 1 }, { id: 2 } ] }
      """
    When the workflow is started
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.fake.petclinic.pets.checkup.completed.v2, data: { ok: true } }
      """
    Then the workflow should fault with 'expression'

  Scenario: No vet
    Given a workflow from 'for.yaml'
    And the workflow input is:
      """yaml
      { pets: [ { id: 1 } ] }
      """
    When the workflow is executed
    Then the workflow should complete
    And waitForCheckup should not run

  Scenario: The first to answer
    Given a workflow from 'fork.yaml'
    And the host 'fake-hospital.com' answers what it is asked
    And the workflow input is:
      """yaml
      { patient: { fullName: Ann }, room: { number: 3 } }
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: All, as envelopes
    Given a workflow from 'listen-to-all read-envelope.yaml'
    When the workflow is started
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.temperature, data: { temperature: 39 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.bpm, data: { bpm: 120 } }
      """
    Then the workflow should complete
    And the workflow output should have a '0.data.temperature' property with value:
      """yaml
      39
      """
    And the workflow output should have a '1.type' property with value:
      """yaml
      com.fake-hospital.vitals.measurements.bpm
      """

  Scenario: All
    Given a workflow from 'listen-to-all.yaml'
    When the workflow is started
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.bpm, data: { bpm: 80 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.bpm, data: { bpm: 120 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.temperature, data: { temperature: 39 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ { bpm: 120 }, { temperature: 39 } ]
      """

  Scenario: Any that fits
    Given a workflow from 'listen-to-any-filter.yaml'
    When the workflow is started
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.temperature, data: { temperature: 37 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.temperature, data: { temperature: 39 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ { temperature: 39 } ]
      """

  Scenario: For ever, each event posted
    Given a workflow from 'listen-to-any-forever-foreach.yaml'
    And the host 'fake-chat-api.com' answers what it is asked
    When the workflow is started
    When the event is sent:
      """yaml
      { type: gossip, data: { roomId: r1, text: a } }
      """
    When the event is sent:
      """yaml
      { type: gossip, data: { roomId: r1, text: b } }
      """
    Then the workflow should wait
    And postToChatApi should run 2 times
    And 'http.call' should be called 2 times

  Scenario: Until there are more than three
    Given a workflow from 'listen-to-any-until-condition.yaml'
    When the workflow is started
    When the event is sent:
      """yaml
      { type: a, data: 1 }
      """
    When the event is sent:
      """yaml
      { type: b, data: 2 }
      """
    When the event is sent:
      """yaml
      { type: c, data: 3 }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: d, data: 4 }
      """
    Then the workflow should complete with output:
      """yaml
      [ 1, 2, 3, 4 ]
      """

  Scenario: Until the patient leaves
    Given a workflow from 'listen-to-any-until-consumed.yaml'
    When the workflow is started
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.temperature, data: { temperature: 39 } }
      """
    When the event is sent:
      """yaml
      { type: com.fake-hospital.vitals.measurements.bpm, data: { bpm: 50 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.fake-hospital.patient.checked-out, data: {} }
      """
    Then the workflow should complete with output:
      """yaml
      [ { temperature: 39 }, { bpm: 50 } ]
      """

  Scenario: Whatever comes first
    Given a workflow from 'listen-to-any.yaml'
    When the workflow is started
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: anything.at.all, data: { n: 1 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ { n: 1 } ]
      """

  Scenario: One event, and a template that a list cannot fill
    Given a workflow from 'listen-to-one.yaml'
    And the host 'virtual-wf-powered-race.com' answers what it is asked
    When the workflow is started
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.virtual-wf-powered-race.events.race.started.v1, data: { carId: 7 } }
      """
    Then the workflow should fault with 'expression'
    And waitForStartup should complete

  Scenario: A condition that asks an object how it starts
    Given a workflow from 'mock-service-extension.yaml'
    And the host 'fake.com' answers what it is asked
    When the workflow is executed
    Then the workflow should fault with 'expression'
    And callHttp should not run

  Scenario: An error written out
    Given a workflow from 'raise-inline.yaml'
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { type: https://serverlessworkflow.io/errors/not-implemented, status: 500, title: Not Implemented, detail: "The workflow 'raise-not-implemented:0.1.0' is a work in progress and cannot be run yet" }
      """

  Scenario: An error by name
    Given a workflow from 'raise-reusable.yaml'
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { type: https://serverlessworkflow.io/errors/not-implemented, status: 500, title: Not Implemented, detail: "The workflow 'raise-not-implemented:0.1.0' is a work in progress and cannot be run yet" }
      """

  Scenario: Run container cleanup always
    Given a workflow from 'run-container-cleanup-always.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: Run container cleanup eventually
    Given a workflow from 'run-container-cleanup-eventually.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: Run container stdin and arguments
    Given a workflow from 'run-container-stdin-and-arguments.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 14
    And the refusal should say 'run: container'

  Scenario: Run container with name
    Given a workflow from 'run-container-with-name.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: Run container with pull policy
    Given a workflow from 'run-container-with-pull-policy.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: Run container
    Given a workflow from 'run-container.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: Run return all
    Given a workflow from 'run-return-all.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: Run return code
    Given a workflow from 'run-return-code.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: Run return none
    Given a workflow from 'run-return-none.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: Run return stderr
    Given a workflow from 'run-return-stderr.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: container'

  Scenario: A script
    Given a workflow from 'run-script-with-stdin-and-arguments.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'run: script'

  Scenario: A shell
    Given a workflow from 'run-shell-stdin-and-arguments.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 14
    And the refusal should say 'run: shell'

  Scenario: A workflow that is not in the bundle
    Given a workflow from 'run-subflow.yaml'
    When the workflow is published
    Then the document should be refused with 'PV1031' at line 9
    And the refusal should say 'test/register-customer'

  Scenario: A workflow of the bundle, whose input is text and no expression
    Given a workflow from 'run-subflow.yaml'
    And another workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: test, name: register-customer, version: '0.1.0' }
      do: [ { register: { set: { registered: '${ .customer }' } } } ]
      """
    And the workflow input is:
      """yaml
      { user: { name: Ann } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { registered: .user }
      """
    And there should be 1 completed run of 'register-customer'

  Scenario: Each midnight
    Given a workflow from 'schedule-cron.yaml'
    And the host 'example.com' answers what it is asked
    When the workflow is published
    And 25 hours pass
    Then there should be 1 run of 'cron-schedule'
    And 'http.call' should be called once

  Scenario: A heartbeat that is too low
    Given a workflow from 'schedule-event-driven.yaml'
    And the host 'hospital.example.com' answers what it is asked
    When the event is sent:
      """yaml
      { type: com.example.hospital.events.patients.heartbeat.low, data: { patient: { id: p1, name: Ann, room: { number: 3 }, vitals: { bpm: 40 } }, timestamp: '2100-01-01T00:00:00Z' } }
      """
    Then the workflow should complete

  Scenario: Set to the event
    Given a workflow from 'set-expression.yaml'
    When the event is sent:
      """yaml
      { type: io.serverlessworkflow.samples.events.trigger.v1, data: { n: 1 } }
      """
    Then the workflow should complete

  Scenario: Set with the event
    Given a workflow from 'set.yaml'
    When the event is sent:
      """yaml
      { type: io.serverlessworkflow.samples.events.trigger.v1, data: { n: 1 } }
      """
    Then the workflow should complete
    And the workflow output should have properties 'startEvent'

  Scenario: Two calls, the second to where the first points
    Given a workflow from 'star-wars-homeworld.yaml'
    And 'http.call' answers:
      """yaml
      done {"statusCode":200,"headers":{},"request":{},"content":{"homeworld":"https://swapi.dev/api/planets/1/"}}
      done {"name":"Tatooine"}
      """
    And the workflow input is:
      """yaml
      { id: 1 }
      """
    When the workflow is executed
    Then the workflow should complete
    And 'http.call' should be called 2 times

  Scenario: Electronic
    Given a workflow from 'switch-then-string.yaml'
    And the workflow input is:
      """yaml
      { orderType: electronic }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { validate: true, status: fulfilled }
      """

  Scenario: Physical
    Given a workflow from 'switch-then-string.yaml'
    And the workflow input is:
      """yaml
      { orderType: physical }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { inventory: clear, items: 1, address: Elmer St }
      """

  Scenario: Neither
    Given a workflow from 'switch-then-string.yaml'
    And the workflow input is:
      """yaml
      { orderType: letter }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { log: warn, message: "something's wrong" }
      """

  Scenario: Tried again until it answers: try-catch-retry-inline
    Given a workflow from 'try-catch-retry-inline.yaml'
    And 'http.call' answers:
      """yaml
      busy
      busy
      done {"id":1}
      """
    And the workflow input is:
      """yaml
      { petId: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: 1 }
      """
    And the workflow should take 9 seconds
    And 'http.call' should be called 3 times

  Scenario: Tried again in vain: try-catch-retry-inline
    Given a workflow from 'try-catch-retry-inline.yaml'
    And 'http.call' answers:
      """yaml
      busy
      """
    And the workflow input is:
      """yaml
      { petId: 1 }
      """
    When the workflow is executed
    Then the workflow should fault with 'communication'
    And 'http.call' should be called 6 times

  Scenario: Tried again until it answers: try-catch-retry-reusable
    Given a workflow from 'try-catch-retry-reusable.yaml'
    And 'http.call' answers:
      """yaml
      busy
      busy
      done {"id":1}
      """
    And the workflow input is:
      """yaml
      { petId: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { id: 1 }
      """
    And the workflow should take 9 seconds
    And 'http.call' should be called 3 times

  Scenario: Tried again in vain: try-catch-retry-reusable
    Given a workflow from 'try-catch-retry-reusable.yaml'
    And 'http.call' answers:
      """yaml
      busy
      """
    And the workflow input is:
      """yaml
      { petId: 1 }
      """
    When the workflow is executed
    Then the workflow should fault with 'communication'
    And 'http.call' should be called 6 times

  Scenario: The catch leads on
    Given a workflow from 'try-catch-then-directive.yaml'
    And 'http.call' answers:
      """yaml
      failed 503
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { status: failed }
      """
    And continueProcessing should not run

  Scenario: Nothing to catch
    Given a workflow from 'try-catch-then-directive.yaml'
    And the host 'external-service.example.com' answers what it is asked
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { status: ok }
      """
    And recordFailure should not run

  Scenario: Told and exported
    Given a workflow from 'try-catch-then.yaml'
    And the workflow input is:
      """yaml
      { petId: none }
      """
    When the workflow is executed
    Then the workflow should complete
    And an event of type 'io.swagger.petstore.events.pets.not-found.v1' should be emitted once
    And buyPet should be skipped

  Scenario: Caught
    Given a workflow from 'try-catch.yaml'
    And the workflow input is:
      """yaml
      { petId: none }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { petId: none }
      """

  Scenario: Thirty seconds: wait-duration-inline
    Given a workflow from 'wait-duration-inline.yaml'
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """
    And the workflow should take 30 seconds

  Scenario: Thirty seconds: wait-duration-iso8601
    Given a workflow from 'wait-duration-iso8601.yaml'
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """
    And the workflow should take 30 seconds
