Feature: Reconciliation
  metadata.provost.reconcile looks again at what waits for a person, every so often and a bounded number of times.

  Scenario: A target that does not answer for a while is asked again
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: looked, version: '1.0.0', metadata: { provost: { reconcile: { every: PT5M } } } }
      do:
        - a: { call: act, with: { action: book, arguments: { n: 1 } } }
      """
    And 'book' answers:
      """yaml
      unknown
      """
    And look-ups of 'book' answer:
      """yaml
      busy
      busy
      busy
      busy
      busy
      busy
      busy
      busy
      busy
      busy
      done {"id":1}
      """
    When the workflow is started
    And 4 minutes pass
    Then the workflow should wait
    And look-ups of 'book' should be made 10 times
    When 6 minutes pass
    Then the workflow should complete with output:
      """yaml
      { id: 1 }
      """
    And 'book' should be called once
    And look-ups of 'book' should be made 11 times

  Scenario: Of what nobody can be asked about nothing is guessed
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: looked, version: '1.0.0', metadata: { provost: { reconcile: { every: PT5M } } } }
      do:
        - a: { call: act, with: { action: close, arguments: { n: 1 } } }
      """
    And 'close' answers:
      """yaml
      unknown
      """
    When the workflow is started
    And 2 days pass
    Then the workflow should wait
    And 'close' should be called once

  Scenario: Parked work is tried again under the same keys
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: looked, version: '1.0.0', metadata: { provost: { reconcile: { every: PT5M, for: [ parked ] } } } }
      do:
        - a: { call: act, with: { action: put, arguments: { n: 1 } } }
      """
    And 'put' answers:
      """yaml
      failed 400
      done {"id":2}
      """
    When the workflow is started
    Then the workflow should be parked with 'communication'
    When 6 minutes pass
    Then the workflow should complete with output:
      """yaml
      { id: 2 }
      """
    And 'put' should be called under 1 key

  Scenario: There are no more looks than the limit
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: looked, version: '1.0.0', metadata: { provost: { reconcile: { every: PT5M, limit: 2 } } } }
      do:
        - a: { call: act, with: { action: put, arguments: { n: 1 } } }
      """
    And 'put' answers:
      """yaml
      failed 400
      """
    When the workflow is started
    And 2 days pass
    Then the workflow should be parked with 'communication'
    And 'put' should be called 3 times
    And 'put' should be called under 1 key

  Scenario: What is looked at must be known
    Given a workflow with definition:
      """yaml
      document: { dsl: '1.0.3', namespace: ctk, name: looked, version: '1.0.0', metadata: { provost: { reconcile: { every: PT5M, for: [ reviews ] } } } }
      do:
        - a: { set: { n: 1 } }
      """
    When the workflow is published
    Then the document should be refused with 'PV1013' at line 1
    And the refusal should say '`for` cannot be `reviews`'

  Scenario: What was cancelled in doubt can be settled after its end
    Given a workflow doing:
      """yaml
      do:
        - a: { call: act, with: { action: close, arguments: { n: 1 } } }
      """
    And 'close' answers:
      """yaml
      unknown
      """
    When the workflow is started
    And the workflow is cancelled
    Then the workflow should cancel
    When 'close' is resolved as not done
    Then the workflow should cancel
    And 'close' should be called once
