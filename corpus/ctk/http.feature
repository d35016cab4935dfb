Feature: Calls over HTTP
  Safe methods are reads; what fails is `communication` with its status; only bound hosts are reached.

  Scenario: The body of the answer is the output
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: get, endpoint: 'http://stub/v2/pet/7' }, output: { as: '${ .id }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      7
      """

  Scenario: A template in the address is filled from the input
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: get, endpoint: { uri: 'http://stub/v2/pet/{petId}' } }, output: { as: '${ .id }' } }
      """
    And the workflow input is:
      """yaml
      { petId: 3 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      3
      """

  Scenario: The whole response
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: get, endpoint: 'http://stub/v2/pet/7', output: response } }
      """
    When the workflow is executed
    Then the workflow output should have properties 'request.method', 'request.uri', 'statusCode', 'headers', 'content.id'
    And the workflow output should have a 'statusCode' property with value:
      """yaml
      200
      """

  Scenario: Query and headers
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: get, endpoint: 'http://stub/anything', query: { q: '${ .q }' }, headers: { x-mark: '${ .mark }' } } }
      """
    And the workflow input is:
      """yaml
      { q: two, mark: m }
      """
    When the workflow is executed
    Then the workflow output should have a 'query' property with value:
      """yaml
      q=two
      """
    And the workflow output should have a 'headers.x-mark' property with value:
      """yaml
      m
      """

  Scenario: A body of a call that is no read
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: post, endpoint: 'http://stub/anything', body: { n: '${ .n }' } } }
      """
    And the workflow input is:
      """yaml
      { n: 5 }
      """
    When the workflow is executed
    Then the workflow output should have a 'json' property with value:
      """yaml
      { n: 5 }
      """
    And the workflow output should have a 'method' property with value:
      """yaml
      POST
      """

  Scenario: A failed call is communication with its status
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: http, with: { method: get, endpoint: 'http://stub/status/404' } } } ], catch: { errors: { with: { type: https://open-workflow-specification.org/spec/1.0.0/errors/communication, status: 404 } }, as: e, do: [ { h: { set: { status: '${ $e.status }' } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { status: 404 }
      """

  Scenario: A redirect is an error unless it is allowed
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { call: http, with: { method: get, endpoint: 'http://stub/redirect/1' } } } ], catch: { errors: { with: { status: 302 } }, do: [ { h: { set: { taken: true } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """

  Scenario: An allowed redirect is followed
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: get, endpoint: 'http://stub/redirect/1', redirect: true }, output: { as: '${ .path }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      /anything
      """

  Scenario: Basic authentication
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: get, endpoint: { uri: 'http://stub/basic-auth/ann/word', authentication: { basic: { username: ann, password: word } } } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { authenticated: true }
      """

  Scenario: A call that is no read and of which nobody knows waits in doubt
    Given a workflow doing:
      """yaml
      do:
        - a: { call: http, with: { method: post, endpoint: 'http://stub/status/504' } }
        - b: { set: { n: 1 } }
      """
    When the workflow is executed
    Then the workflow should wait
    And b should not run
