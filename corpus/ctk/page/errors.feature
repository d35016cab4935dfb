Feature: Errors, filters and retries
  Every member of `try`, `catch`, `retry` and `raise`, in every spelling.

  Scenario Outline: Catch filters
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418, title: A title, detail: A detail } } }
          catch:
            <catch>
            do: [ { h: { set: { caught: true } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    caught: true
    """
    Examples:
      | catch                                                             |
      | errors: { with: { status: 418 } }                                 |
      | errors: { with: { type: https://e.com/errors/x } }                |
      | errors: { with: { title: A title } }                              |
      | errors: { with: { detail: A detail } }                            |
      | errors: { with: { instance: /do/0/t/try/0/f } }                   |
      | errors: { with: { type: https://e.com/errors/x, status: 418, title: A title } } |
      | errors: {}                                                        |
      | as: e                                                             |
      | when: $error.status == 418                                        |
      | when: '${ $error.status == 418 }'                                 |
      | exceptWhen: $error.status == 500                                  |

  Scenario Outline: Catch filters that do not fit
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418, title: A title } } }
          catch:
            <catch>
            do: [ { h: { set: { caught: true } } } ]
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://e.com/errors/x
    status: 418
    title: A title
    instance: /do/0/t/try/0/f
    """
    Examples:
      | catch                                                             |
      | errors: { with: { status: 419 } }                                 |
      | errors: { with: { type: https://e.com/errors/y } }                |
      | errors: { with: { title: Another } }                              |
      | errors: { with: { detail: A detail } }                            |
      | errors: { with: { instance: /do/0/t }, }                          |
      | errors: { with: { type: https://e.com/errors/x, status: 400 } }   |
      | when: $error.status == 400                                        |
      | exceptWhen: '${ $error.status == 418 }'                           |

  Scenario: Both spellings of a standard type are one
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout, status: 408 } } }
          catch:
            errors: { with: { type: https://open-workflow-specification.org/dsl/errors/types/timeout } }
            do: [ { h: { set: { caught: true } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    caught: true
    """

  Scenario: Catch without do and without retry
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch: {}
      - z: { set: { z: 1 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    z: 1
    """

  Scenario: Retry used up without do raises again
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            retry: { delay: { seconds: 1 }, backoff: { constant: {} }, limit: { attempt: { count: 2 } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://e.com/errors/x
    """
    And f should run 3 times

  Scenario Outline: Backoffs
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            retry: { <policy> }
            do: [ { h: { set: { caught: true } } } ]
    """
    And the workflow input is:
    """yaml
    n: 3
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    caught: true
    """
    And the workflow should take <seconds> seconds
    And h should run once
    Examples:
      | policy                                                                                   | seconds |
      | delay: { seconds: 2 }, limit: { attempt: { count: 3 } }                                  | 6       |
      | delay: PT2S, backoff: { constant: {} }, limit: { attempt: { count: 3 } }                 | 6       |
      | delay: PT2S, backoff: { linear: {} }, limit: { attempt: { count: 3 } }                   | 12      |
      | delay: PT2S, backoff: { exponential: {} }, limit: { attempt: { count: 3 } }              | 14      |
      | delay: { seconds: 2, milliseconds: 0 }, limit: { duration: { seconds: 5 } }              | 4       |
      | delay: PT0S, limit: { attempt: { count: 3 } }                                            | 0       |
      | delay: PT1M, backoff: { exponential: {} }, limit: { attempt: { count: 3 } }              | 420     |
      | delay: PT10S, limit: { duration: PT2M }                                                  | 120     |
      | delay: '${ "PT\(.n)S" }', backoff: { linear: {} }, limit: { attempt: { count: 2 } }      | 9       |
      | delay: '${ "PT2S" }', limit: { attempt: { count: 1 } }                                   | 2       |

  Scenario: A named retry policy
    Given a workflow doing:
    """yaml
    use:
      retries:
        often:
          delay: { minutes: 1 }
          limit: { attempt: { count: 2 } }
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            retry: often
            do: [ { h: { set: { caught: true } } } ]
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take 2 minutes
    And f should run 3 times

  Scenario: An unknown retry policy is refused with the nearest word
    Given a workflow doing:
    """yaml
    use:
      retries:
        often: { delay: { minutes: 1 }, limit: { attempt: { count: 2 } } }
    do:
      - t:
          try: [ { f: { set: { a: 1 } } } ]
          catch: { retry: oftn }
    """
    When the workflow is published
    Then the refusal should say 'often'

  Scenario: Retry when and exceptWhen
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            retry: { when: $error.status == 503, delay: PT1S, limit: { attempt: { count: 5 } } }
            do: [ { h: { set: { once: true } } } ]
      - u:
          try:
            - g: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            retry: { exceptWhen: '${ $error.status == 418 }', delay: PT1S, limit: { attempt: { count: 5 } } }
            do: [ { i: { set: { once: '${ .once }', more: true } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    once: true
    more: true
    """
    And f should run once
    And g should run once

  Scenario: Jitter stays within its bounds
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            retry:
              delay: { seconds: 10 }
              jitter: { from: { seconds: 0 }, to: { seconds: 0 } }
              limit: { attempt: { count: 2 } }
            do: [ { h: { set: { a: 1 } } } ]
    """
    When the workflow is executed
    Then the workflow should take 20 seconds

  Scenario: Limit.attempt.duration ends a slow attempt
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - w: { wait: PT1H }
          catch:
            errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout } }
            retry:
              delay: { seconds: 1 }
              limit: { attempt: { count: 2, duration: { minutes: 1 } } }
            do: [ { h: { set: { a: '${ $error.status }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    a: 408
    """
    And w should run 3 times

  Scenario: Retry runs the whole list again with the input of the try
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - a: { set: { n: '${ .n + 1 }' } }
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418, detail: '${ "n is \(.n)" }' } } }
          catch:
            retry: { limit: { attempt: { count: 2 } } }
            do: [ { h: { set: { d: '${ $error.detail }', n: '${ .n }' } } } ]
    """
    And the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have a 'd' property with value:
    """yaml
    n is 2
    """
    And a should run 3 times

  Scenario: Catch.then decides where to go on
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            do: [ { h: { set: { h: 1 } } } ]
            then: c
      - b: { set: { b: 1 } }
      - c: { set: { h: '${ .h }', c: 1 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    h: 1
    c: 1
    """
    And b should not run

  Scenario: Catch.then is not followed when nothing is caught; the try's own then is
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { set: { ok: 1 } }
          catch:
            then: end
          then: c
      - b: { set: { b: 1 } }
      - c: { set: { ok: '${ .ok }', c: 1 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    ok: 1
    c: 1
    """

  Scenario: An error in catch.do goes up, instance in the handler
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            do:
              - ok: { set: { a: 1 } }
              - again: { raise: { error: { type: https://e.com/errors/y, status: 419 } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://e.com/errors/y
    instance: /do/0/t/catch/do/1/again
    """

  Scenario: Raising the caught error again
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418, title: T } } }
          catch:
            as: err
            do:
              - again: { raise: { error: { type: '${ $err.type }', status: 500, title: '${ $err.title + "!" }' } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://e.com/errors/x
    status: 500
    title: T!
    """

  Scenario: Nested try, the inner does not fit, the outer catches
    Given a workflow doing:
    """yaml
    do:
      - o:
          try:
            - i:
                try:
                  - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
                catch: { errors: { with: { status: 500 } }, do: [ { no: { set: { no: 1 } } } ] }
          catch: { as: e, do: [ { h: { set: { i: '${ $e.instance }' } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    i: /do/0/o/try/0/i/try/0/f
    """

  Scenario: Raise by name with an instance and expressions in title and detail
    Given a workflow doing:
    """yaml
    use:
      errors:
        bad:
          type: https://e.com/errors/bad
          status: 422
          title: '${ "Bad \(.what)" }'
          detail: '${ "in \($workflow.definition.document.name)" }'
          instance: /custom
    do:
      - r: { raise: { error: bad } }
    """
    And the workflow input is:
    """yaml
    what: thing
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://e.com/errors/bad
    status: 422
    title: Bad thing
    detail: in case
    """

  Scenario: Raise of an unknown name is refused with the nearest
    Given a workflow doing:
    """yaml
    use: { errors: { badThing: { type: https://e.com/errors/bad, status: 422 } } }
    do:
      - r: { raise: { error: badTing } }
    """
    When the workflow is published
    Then the refusal should say 'badThing'

  Scenario: A raise with a relative type and details in the tag's spelling
    Given a workflow doing:
    """yaml
    do:
      - r: { raise: { error: { type: /errors/x, status: 400, title: t, detail: d } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: /errors/x
    detail: d
    """

  Scenario: A status as text is refused with the fix
    Given a workflow doing:
    """yaml
    do:
      - r: { raise: { error: { type: https://e.com/x, status: '400' } } }
    """
    When the workflow is published
    Then the refusal should say 'status'

  Scenario: Try with output.as and export on success
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { a: { set: { v: 1 } } } ]
          catch: {}
          output: { as: .v }
          export: { as: '{ v: . }' }
      - z: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    v: 1
    """

  Scenario: The error variable is unknown outside catch
    Given a workflow doing:
    """yaml
    do:
      - t:
          try: [ { a: { set: { v: 1 } } } ]
          catch: { as: e }
      - z: { set: { x: '${ $e }' } }
    """
    When the workflow is published
    Then the refusal should say '$e'

  Scenario: Catch.do sees the input of the try task
    Given a workflow doing:
    """yaml
    do:
      - t:
          input: { from: '{ m: .n }' }
          try:
            - a: { set: { other: 1 } }
            - f: { raise: { error: { type: https://e.com/errors/x, status: 418 } } }
          catch:
            do: [ { h: { set: { got: '${ . }' } } } ]
    """
    And the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: { m: 1 }
    """

  Scenario: Expression errors and validation errors can be caught by type
    Given a workflow doing:
    """yaml
    do:
      - t:
          try:
            - a: { set: { v: '${ {} + 1 }' } }
          catch:
            errors: { with: { type: https://open-workflow-specification.org/spec/1.0.0/errors/expression } }
            do: [ { h: { set: { s: '${ $error.status }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    s: 400
    """
