Feature: Try and retry
  `catch` takes what its filter fits; `retry` runs the whole list again; `do` runs once, after the last attempt.

  Scenario: A caught error is the variable that catch names
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { as: e, do: [ { h: { set: { title: '${ $e.title }', status: '${ $e.status }' } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { title: Oops, status: 503 }
      """

  Scenario: The error is called error where no name is given
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { do: [ { h: { set: { at: '${ $error.instance }' } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { at: /do/0/t/try/0/b }
      """

  Scenario: A filter that does not fit lets the error pass
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { errors: { with: { status: 400 } }, do: [ { h: { set: { x: 1 } } } ] }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { status: 503, type: https://example.com/oops }
      """
    And h should not run

  Scenario: A filter needs every member to fit
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { errors: { with: { status: 503, type: https://example.com/other } }, do: [ { h: { set: { x: 1 } } } ] }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { type: https://example.com/oops }
      """

  Scenario: A condition decides whether an error is taken
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { as: e, when: '${ $e.status == 503 }', do: [ { h: { set: { taken: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """

  Scenario: An exception decides whether an error is not taken
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { as: e, exceptWhen: '${ $e.status == 503 }', do: [ { h: { set: { taken: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { status: 503 }
      """

  Scenario: The spelling of a standard type does not matter
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://serverlessworkflow.io/spec/1.0.0/errors/communication, status: 503, title: Oops } } } } ]
            catch: { errors: { with: { type: https://open-workflow-specification.org/dsl/errors/types/communication } }, do: [ { h: { set: { taken: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { taken: true }
      """

  Scenario: The nearest try that fits takes the error
    Given a workflow doing:
      """yaml
      do:
        - o:
            try:
              - t:
                  try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
                  catch: { errors: { with: { status: 400 } }, do: [ { inner: { set: { by: inner } } } ] }
            catch: { do: [ { outer: { set: { by: outer } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { by: outer }
      """

  Scenario: An error of a handler goes out
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/first, status: 500, title: First } } } } ]
            catch: { do: [ { h: { raise: { error: { type: https://example.com/second, status: 500, title: Second } } } } ] }
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      { title: Second }
      """

  Scenario: Without handlers the error is gone and the input is handed on
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ], catch: {} }
      """
    And the workflow input is:
      """yaml
      { n: 1 }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """

  Scenario: Nothing raised, nothing caught
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { a: { set: { n: 1 } } } ], catch: { do: [ { h: { set: { n: 2 } } } ] } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 1 }
      """
    And h should not run

  Scenario: The catch says where control goes
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { do: [ { h: { set: { n: 1 } } } ], then: last }
        - middle: { set: { n: 2 } }
        - last: { set: { n: '${ .n + 10 }' } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 11 }
      """
    And middle should not run

  Scenario: A retry runs the whole list again
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - agent: { call: agent, with: { agent: plain, input: {} } }
              - read: { call: act, with: { action: put, arguments: { n: 1 } } }
              - check: { if: '${ .ok == false }', raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } }
            catch: { retry: { delay: { seconds: 2 }, backoff: { constant: {} }, limit: { attempt: { count: 3 } } } }
      """
    And 'put' answers:
      """yaml
      failed 400
      done {"ok":true}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { ok: true }
      """
    And 'plain' should be called 2 times
    And the workflow should take 2 seconds

  Scenario: A finished action answers from the journal when its list runs again
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - pay: { call: act, with: { action: pay, arguments: { n: 1 } } }
              - read: { call: act, with: { action: put, arguments: { n: 2 } } }
            catch: { retry: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 3 } } } }
      """
    And 'put' answers:
      """yaml
      failed 400
      failed 400
      done {"ok":true}
      """
    When the workflow is executed
    Then the workflow should complete
    And 'pay' should be called once
    And 'put' should be called 3 times

  Scenario: Other arguments for a finished action park as a conflict that catch cannot take
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - agent: { call: agent, with: { agent: plain, input: {} } }
              - pay: { call: act, with: { action: pay, arguments: '${ . }' } }
              - b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } }
            catch: { retry: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 3 } } }, do: [ { h: { set: { never: 1 } } } ] }
      """
    And 'plain' answers:
      """yaml
      done {"ok":1}
      done {"ok":2}
      """
    When the workflow is executed
    Then the workflow should be parked with 'conflict'
    And 'pay' should be called once
    And h should not run

  Scenario: Handlers run once, after the last attempt
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { a: { wait: PT1S } }, { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { retry: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 2 } } }, do: [ { h: { set: { done: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { done: true }
      """
    And a should run 3 times
    And h should run once
    And the workflow should take 5 seconds

  Scenario: Used up without handlers the error is raised again
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { retry: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 2 } } } }
      """
    When the workflow is executed
    Then the workflow should fault with 'oops'

  Scenario: A linear backoff
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { retry: { delay: { seconds: 1 }, backoff: { linear: {} }, limit: { attempt: { count: 3 } } }, do: [ { h: { set: { done: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { done: true }
      """
    And the workflow should take 6 seconds

  Scenario: An exponential backoff
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { retry: { delay: { seconds: 1 }, backoff: { exponential: {} }, limit: { attempt: { count: 3 } } }, do: [ { h: { set: { done: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { done: true }
      """
    And the workflow should take 7 seconds

  Scenario: A retry that is named once is used by name
    Given a workflow doing:
      """yaml
      use: { retries: { calm: { delay: { minutes: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 1 } } } } }
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } } } ]
            catch: { retry: calm, do: [ { h: { set: { done: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { done: true }
      """
    And the workflow should take 1 minute

  Scenario: A retry that is named nowhere is refused
    Given a workflow doing:
      """yaml
      do:
        - t: { try: [ { b: { set: { n: 1 } } } ], catch: { retry: nobody } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1023' at line 3

  Scenario: A retry has its condition
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { b: { raise: { error: { type: https://example.com/oops, status: 400, title: Oops } } } } ]
            catch: { as: e, retry: { when: '${ $e.status == 503 }', delay: { seconds: 1 }, limit: { attempt: { count: 5 } } }, do: [ { h: { set: { done: true } } } ] }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { done: true }
      """
    And the workflow should take 0 seconds

  Scenario: What a round exported is gone in the next
    Given a workflow doing:
      """yaml
      do:
        - t:
            try:
              - a: { set: { n: '${ ($context.n // 0) + 1 }' }, export: { as: '${ { n: .n } }' } }
              - b: { raise: { error: { type: https://example.com/oops, status: 503, title: Oops } } }
            catch: { retry: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 2 } } }, do: [ { h: { set: '${ $context }' } } ] }
      """
    When the workflow is executed
    Then the workflow should complete

  Scenario: A failed protocol call would be tried by the nearest catch that fits and not twice
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { a: { call: act, with: { action: put, arguments: { n: 1 } } } } ]
            catch: { retry: { delay: { seconds: 5 }, backoff: { constant: {} }, limit: { attempt: { count: 2 } } } }
      """
    And 'put' answers:
      """yaml
      busy
      busy
      done {"ok":true}
      """
    When the workflow is executed
    Then the workflow should complete
    And 'put' should be called 3 times
    And the workflow should take 10 seconds

  Scenario: Each attempt has its time
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { w: { wait: { seconds: 10 } } } ]
            catch: { retry: { delay: PT1S, limit: { attempt: { count: 1, duration: PT5S } } }, do: [ { c: { set: { status: '${ $error.status }' } } } ] }
      """
    When the workflow is started
    And 10 seconds pass
    Then the workflow should wait
    When 1 second passes
    Then the workflow should complete with output:
      """yaml
      { status: 408 }
      """

  Scenario: An attempt that is in time is not stopped
    Given a workflow doing:
      """yaml
      do:
        - t:
            try: [ { a: { call: act, with: { action: put, arguments: { n: 1 } } } }, { w: { wait: { seconds: 4 } } }, { c: { set: { n: 2 } } } ]
            catch: { retry: { limit: { attempt: { count: 1, duration: PT5S } } } }
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      { n: 2 }
      """
    And 'put' should be called once
