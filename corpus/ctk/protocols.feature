Feature: Other protocols
  They are read and checked, and refused at publish until they can be carried out.

  Scenario: An OpenAPI operation
    Given a workflow doing:
      """yaml
      do:
        - a: { call: openapi, with: { document: { endpoint: 'https://petstore.swagger.io/v2/swagger.json' }, operationId: getPetById, parameters: { petId: 1 } }, output: { as: '${ .id }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      1
      """

  Scenario: A gRPC call
    Given a workflow doing:
      """yaml
      do:
        - a: { call: grpc, with: { proto: { endpoint: 'file:///greet.proto' }, service: { name: Greeter, host: localhost, port: 50051 }, method: SayHello, arguments: { name: '${ .name }' } } }
      """
    And the workflow input is:
      """yaml
      { name: Ann }
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: A message of AsyncAPI
    Given a workflow doing:
      """yaml
      do:
        - a: { call: asyncapi, with: { document: { endpoint: 'https://fake.com/asyncapi.json' }, operation: greet, message: { payload: { n: 1 } } } }
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: A tool of an MCP server
    Given a workflow doing:
      """yaml
      do:
        - a: { call: mcp, with: { protocolVersion: '2025-06-18', method: tools/call, parameters: { name: add, arguments: { a: 1 } }, transport: { http: { endpoint: 'https://fake.com/mcp' } } } }
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: An agent of another system
    Given a workflow doing:
      """yaml
      do:
        - a: { call: a2a, with: { server: 'https://fake.com/agent', method: message/send, parameters: {} } }
      """
    When the workflow is executed
    Then the workflow should complete
