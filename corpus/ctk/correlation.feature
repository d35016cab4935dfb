Feature: Correlation
  Events belong together by keys that they carry.

  Scenario: An event with another key is not taken
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.paid }, correlate: { order: { from: .data.order, expect: '${ .order }' } } } } } }
      """
    And the workflow input is:
      """yaml
      { order: O-1 }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.paid, data: { order: O-2 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.paid, data: { order: O-1 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ { order: O-1 } ]
      """

  Scenario: The first event fixes the key for the others
    Given a workflow doing:
      """yaml
      do:
        - l:
            listen:
              to:
                all:
                  - { with: { type: com.example.heat }, correlate: { room: { from: .data.room } } }
                  - { with: { type: com.example.damp }, correlate: { room: { from: .data.room } } }
            output: { as: '${ map(.room) }' }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.heat, data: { room: 7 } }
      """
    And the event is sent:
      """yaml
      { type: com.example.damp, data: { room: 8 } }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.damp, data: { room: 7 } }
      """
    Then the workflow should complete with output:
      """yaml
      [ 7, 7 ]
      """

  Scenario: An extension attribute may be the key
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.paid }, correlate: { room: { from: .roomid, expect: '7' } } } } } }
      """
    When the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.paid, roomid: '8', data: 1 }
      """
    Then the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.paid, roomid: '7', data: 2 }
      """
    Then the workflow should complete with output:
      """yaml
      [ 2 ]
      """

  Scenario: Two orchestrations each take their own
    Given a workflow doing:
      """yaml
      do:
        - l: { listen: { to: { one: { with: { type: com.example.paid }, correlate: { order: { from: .data.order, expect: '${ .order }' } } } } } }
      """
    And the workflow input is:
      """yaml
      { order: O-1 }
      """
    When the workflow is started
    And the workflow input is:
      """yaml
      { order: O-2 }
      """
    And the workflow is started
    And the event is sent:
      """yaml
      { type: com.example.paid, data: { order: O-1 } }
      """
    Then there should be 1 completed run of 'case'
    And the workflow should wait
    When the event is sent:
      """yaml
      { type: com.example.paid, data: { order: O-2 } }
      """
    Then there should be 2 completed runs of 'case'
