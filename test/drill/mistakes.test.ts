import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { readDrill } from '../../src/drill/language/read.ts'

/** All that is shown of a file. */
const shown = (...lines: string[]) =>
  readDrill({ name: 'x.yaml', text: `${lines.join('\n')}\n` })
    .diagnostics.map((each) => formatDiagnostic(each))
    .join('\n')
const HEAD = ['drill: a', 'why: b']
const ofSteps = (...lines: string[]) => shown(...HEAD, 'steps:', ...lines.map((line) => `  - ${line}`))
const ofClaims = (...lines: string[]) =>
  shown(
    ...HEAD,
    'traffic: [ probe: auto, requests: 20 ms, connections: 5 ]',
    'steps: [ stop: active ]',
    'claims:',
    ...lines.map((line) => `  - ${line}`),
  )

describe('it is shown where, and what to write instead, that', () => {
  test('a word of the head is missing', () => {
    expect(shown('drill: a', 'steps: [ stop: active ]')).toMatchInlineSnapshot(`
      "x.yaml:1:1: error[bad-value]: \`why\` is missing
          1 | drill: a
            | ^^^^^ a text"
    `)
  })

  test('words of the head are unknown, empty, or of another kind', () => {
    expect(
      shown(
        'drill:',
        'why: [ b ]',
        'promse: c',
        'needs: checks',
        'traffic: probe',
        'steps: stop',
        'claims: { lost: 1 }',
      ),
    ).toMatchInlineSnapshot(`
      "x.yaml:3:1: error[bad-value]: unknown word \`promse\`
          3 | promse: c
            | ^^^^^^ do you mean promise?
      x.yaml:1:1: error[bad-value]: \`drill\` has no value
          1 | drill:
            | ^^^^^ a text
      x.yaml:2:6: error[bad-value]: a list is not a text
          2 | why: [ b ]
            |      ^^^^^
      x.yaml:4:8: error[bad-value]: this is not a list
          4 | needs: checks
            |        ^^^^^^ write each on a line of its own after a dash, or all in brackets: [ … ]
      x.yaml:5:10: error[bad-value]: this is not a list
          5 | traffic: probe
            |          ^^^^^ write each on a line of its own after a dash, or all in brackets: [ … ]
      x.yaml:6:8: error[bad-value]: this is not a list
          6 | steps: stop
            |        ^^^^ write each on a line of its own after a dash, or all in brackets: [ … ]
      x.yaml:7:9: error[bad-value]: this is not a list
          7 | claims: { lost: 1 }
            |         ^^^^^^^^^^^ write each on a line of its own after a dash, or all in brackets: [ … ]"
    `)
  })

  test('a pair is none', () => {
    const of = (pair: string) => shown(...HEAD, 'steps: [ stop: active ]', `pair: ${pair}`)
    expect(of('dr.conf')).toMatchInlineSnapshot(`
      "x.yaml:4:7: error[bad-value]: this is no pair of configurations
          4 | pair: dr.conf
            |       ^^^^^^^ such as { file: ../dr.conf, priorities: [150, 100] }"
    `)
    expect(of('{ file: a, text: b }')).toMatchInlineSnapshot(`
      "x.yaml:4:7: error[bad-value]: a pair has either a file or a text
          4 | pair: { file: a, text: b }
            |       ^^^^^^^^^^^^^^^^^^^^ file: a path relative to this file; text: the configuration"
    `)
    expect(of('{ file: [a, b, c] }')).toMatchInlineSnapshot(`
      "x.yaml:4:15: error[bad-value]: a pair is two directors
          4 | pair: { file: [a, b, c] }
            |               ^^^^^^^^^ one file for both, or two"
    `)
    expect(of('{ file: a, priorities: [300] }')).toMatchInlineSnapshot(`
      "x.yaml:4:31: error[bad-value]: \`300\` is not a whole number from 1 to 255
          4 | pair: { file: a, priorities: [300] }
            |                               ^^^"
    `)
    expect(of('{ file: a, priorities: 100 }')).toMatchInlineSnapshot(`
      "x.yaml:4:30: error[bad-value]: a pair is two directors
          4 | pair: { file: a, priorities: 100 }
            |                              ^^^ two priorities, such as [150, 100]"
    `)
    expect(of('{ file: a, change: [ { replace: "(", by: b }, c ] }')).toMatchInlineSnapshot(`
      "x.yaml:4:39: error[bad-value]: \`(\` is not a regular expression
          4 | pair: { file: a, change: [ { replace: "(", by: b }, c ] }
            |                                       ^^^
      x.yaml:4:53: error[bad-value]: this is not a replacement
          4 | pair: { file: a, change: [ { replace: "(", by: b }, c ] }
            |                                                     ^ such as { replace: …, by: … }"
    `)
  })

  test('a need or traffic is none', () => {
    expect(
      shown(
        ...HEAD,
        'needs: [ check ]',
        'traffic: [ probes: auto, probe, requests: 5, connections: 0 ]',
        'steps: [ stop: active ]',
      ),
    ).toMatchInlineSnapshot(`
      "x.yaml:3:10: error[bad-value]: \`check\` is not one of virtual server, two servers, checks, page checks, preemption, script, notify, its own
          3 | needs: [ check ]
            |          ^^^^^ do you mean checks?
      x.yaml:4:12: error[bad-value]: \`probes\` is not traffic
          4 | traffic: [ probes: auto, probe, requests: 5, connections: 0 ]
            |            ^^^^^^ do you mean probe?
      x.yaml:4:26: error[bad-value]: this is not traffic
          4 | traffic: [ probes: auto, probe, requests: 5, connections: 0 ]
            |                          ^^^^^ such as probe: auto; one of: probe, requests, connections
      x.yaml:4:43: error[bad-value]: \`5\` is not a duration such as 500 ms, 2 s or 1 min
          4 | traffic: [ probes: auto, probe, requests: 5, connections: 0 ]
            |                                           ^ do you mean 5 s, or 5 ms?
      x.yaml:4:59: error[bad-value]: \`0\` is not a whole number from 1 to 10000
          4 | traffic: [ probes: auto, probe, requests: 5, connections: 0 ]
            |                                                           ^"
    `)
  })

  test('there are no steps', () => {
    expect(shown(...HEAD, 'steps: []')).toMatchInlineSnapshot(`
      "x.yaml:1:1: error[bad-value]: this drill has no steps
          1 | drill: a
            | ^^^^^ write what happens, such as steps: [ stop: active ]"
    `)
    expect(shown(...HEAD, 'claims: [ master: active ]')).toMatchInlineSnapshot(`
      "x.yaml:1:1: error[bad-value]: this drill has no steps
          1 | drill: a
            | ^^^^^ write what happens, such as steps: [ stop: active ]"
    `)
  })

  test('an action is unknown', () => {
    expect(ofSteps('pul cable: active', 'frobnicate: x', '? [ a ]\n    : b')).toMatchInlineSnapshot(`
      "x.yaml:4:5: error[unknown-keyword]: unknown action \`pul cable\`
          4 |   - pul cable: active
            |     ^^^^^^^^^ do you mean pull cable?
      x.yaml:5:5: error[unknown-keyword]: unknown action \`frobnicate\`
          5 |   - frobnicate: x
            |     ^^^^^^^^^^ \`tanist drill list --actions\` shows all
      x.yaml:6:7: error[unknown-keyword]: unknown action \`\`
          6 |   - ? [ a ]
            |       ^^^^^ \`tanist drill list --actions\` shows all"
    `)
  })

  test('a step is not one action', () => {
    expect(ofSteps('wait', 'stop: active\n    wait: 1 s')).toMatchInlineSnapshot(`
      "x.yaml:4:5: error[bad-value]: a step is one action
          4 |   - wait
            |     ^^^^ such as - pull cable: active
      x.yaml:6:5: error[bad-value]: a step is one action
          6 |     wait: 1 s
            |     ^^^^ begin the next one with a dash"
    `)
  })

  test('words of an action are unknown, missing or not enough', () => {
    expect(
      ofSteps(
        'kill: { of: active, proces: vrrp }',
        'kill: { process: vrrp }',
        'kill:',
        'kill: ~',
        'maintain: active',
        'disturb: { of: standby }',
        'disturb: { of: standby, quickly: 5 %, lose: 5 % }',
        'unclaim address: { address: 10.0.0.1 }',
      ),
    ).toMatchInlineSnapshot(`
      "x.yaml:4:25: error[bad-value]: unknown word \`proces\`
          4 |   - kill: { of: active, proces: vrrp }
            |                         ^^^^^^ do you mean process?
      x.yaml:5:5: error[bad-value]: \`of\` is missing
          5 |   - kill: { process: vrrp }
            |     ^^^^ one of active, standby, director1, director2, both
      x.yaml:6:5: error[bad-value]: \`kill\` has no value
          6 |   - kill:
            |     ^^^^ such as kill: { of: active, process: vrrp }
      x.yaml:7:5: error[bad-value]: \`kill\` has no value
          7 |   - kill: ~
            |     ^^^^ such as kill: { of: active, process: vrrp }
      x.yaml:8:15: error[bad-value]: this needs names
          8 |   - maintain: active
            |               ^^^^^^ such as maintain: { of: active, on: yes }
      x.yaml:9:5: error[bad-value]: this says nothing yet
          9 |   - disturb: { of: standby }
            |     ^^^^^^^ add one of lose, delay, jitter, duplicate, corrupt, reorder, such as disturb: { of: standby, lose: 30 %, way: in }
      x.yaml:10:29: error[bad-value]: unknown word \`quickly\`
         10 |   - disturb: { of: standby, quickly: 5 %, lose: 5 % }
            |                             ^^^^^^^ one of: of, at, way, lose, delay, jitter, duplicate, corrupt, reorder
      x.yaml:11:24: error[bad-value]: unknown word \`address\`
         11 |   - unclaim address: { address: 10.0.0.1 }
            |                        ^^^^^^^ there are no words here: {}"
    `)
  })

  test('values of an action are of another kind', () => {
    expect(
      ofSteps(
        'wait: 2',
        'wait: { for: 1 h }',
        'wait: [ 1 s ]',
        'stop: master',
        'stop: actve',
        'starve: { of: active, to: 120 % }',
        'reload: { of: both, times: 0 }',
        'reload: { of: both, expect: refusal }',
        '"break server": server two',
        'run: { on: router, command: ls }',
        'maintain: { of: active, on: maybe }',
        'change file: { of: both, replace: "(", by: x }',
        'send adverts: { priority: 256, addresses: [] }',
      ),
    ).toMatchInlineSnapshot(`
      "x.yaml:4:11: error[bad-value]: \`2\` is not a duration such as 500 ms, 2 s or 1 min
          4 |   - wait: 2
            |           ^ do you mean 2 s, or 2 ms?
      x.yaml:5:18: error[bad-value]: \`1 h\` is not a duration such as 500 ms, 2 s or 1 min
          5 |   - wait: { for: 1 h }
            |                  ^^^
      x.yaml:6:11: error[bad-value]: a list is not a duration such as 500 ms, 2 s or 1 min
          6 |   - wait: [ 1 s ]
            |           ^^^^^^^
      x.yaml:7:11: error[bad-value]: \`master\` is not one of active, standby, director1, director2, both
          7 |   - stop: master
            |           ^^^^^^
      x.yaml:8:11: error[bad-value]: \`actve\` is not one of active, standby, director1, director2, both
          8 |   - stop: actve
            |           ^^^^^ do you mean active?
      x.yaml:9:31: error[bad-value]: \`120 %\` is not a percentage from 0 % to 100 %, such as 30 %
          9 |   - starve: { of: active, to: 120 % }
            |                               ^^^^^
      x.yaml:10:32: error[bad-value]: \`0\` is not a whole number from 1 to 1000
         10 |   - reload: { of: both, times: 0 }
            |                                ^
      x.yaml:11:33: error[bad-value]: \`refusal\` is not one of taken, refused, either
         11 |   - reload: { of: both, expect: refusal }
            |                                 ^^^^^^^ do you mean refused?
      x.yaml:12:21: error[bad-value]: \`server two\` is not a real server, such as server 2, or all
         12 |   - "break server": server two
            |                     ^^^^^^^^^^
      x.yaml:13:16: error[bad-value]: \`router\` is not a machine: active, standby, director1, director2, client, or a real server such as server 2
         13 |   - run: { on: router, command: ls }
            |                ^^^^^^
      x.yaml:14:33: error[bad-value]: \`maybe\` is not yes or no
         14 |   - maintain: { of: active, on: maybe }
            |                                 ^^^^^
      x.yaml:15:39: error[bad-value]: \`(\` is not a regular expression
         15 |   - change file: { of: both, replace: "(", by: x }
            |                                       ^^^
      x.yaml:16:31: error[bad-value]: \`256\` is not a whole number from 0 to 255
         16 |   - send adverts: { priority: 256, addresses: [] }
            |                               ^^^
      x.yaml:16:47: error[bad-value]: this list is empty
         16 |   - send adverts: { priority: 256, addresses: [] }
            |                                               ^^ a text"
    `)
  })

  test('what is waited for is no condition, or has no limit', () => {
    expect(
      ofSteps(
        'wait for: standby',
        'wait for: { master: everybody }',
        'wait for: { mister: standby }',
        'wait for: { master: standby, within: soon }',
        'wait for: { master: standby, within: takover }',
        'wait for: { outage: 1 s }',
        'wait for: { within: 1 s }',
      ),
    ).toMatchInlineSnapshot(`
      "x.yaml:4:15: error[bad-value]: this is not a condition
          4 |   - wait for: standby
            |               ^^^^^^^ such as { master: standby, within: takeover + 1 s }
      x.yaml:5:25: error[bad-value]: \`everybody\` is not one of active, standby, director1, director2, either, nobody
          5 |   - wait for: { master: everybody }
            |                         ^^^^^^^^^
      x.yaml:6:17: error[bad-value]: \`mister\` is not a condition
          6 |   - wait for: { mister: standby }
            |                 ^^^^^^ do you mean master?
      x.yaml:7:42: error[bad-value]: \`soon\` is not a duration such as 2 s, or a promise of the configuration (takeover, handover, detection), or a sum such as takeover + 1 s
          7 |   - wait for: { master: standby, within: soon }
            |                                          ^^^^
      x.yaml:8:42: error[bad-value]: \`takover\` is not a duration such as 2 s, or a promise of the configuration (takeover, handover, detection), or a sum such as takeover + 1 s
          8 |   - wait for: { master: standby, within: takover }
            |                                          ^^^^^^^ do you mean takeover?
      x.yaml:9:17: error[bad-value]: \`outage\` is not a condition
          9 |   - wait for: { outage: 1 s }
            |                 ^^^^^^ one of: master, holds, state, priority, server, arp, process, log, status, called, file
      x.yaml:10:15: error[bad-value]: this is not a condition
         10 |   - wait for: { within: 1 s }
            |               ^^^^^^^^^^^^^^^ such as master: standby; one of: master, holds, state, priority, server, arp, process, log, status, called, file"
    `)
  })

  test('a repetition is none', () => {
    expect(
      ofSteps(
        'repeat: 3',
        'repeat: { times: 0, steps: [ stop: active ] }',
        'repeat: { times: 2, steps: [] }',
        'repeat: { times: 2, stps: [ stop: active ] }',
        'repeat: { times: 2, steps: [ stpo: active ] }',
      ),
    ).toMatchInlineSnapshot(`
      "x.yaml:4:5: error[bad-value]: a repetition has times and steps
          4 |   - repeat: 3
            |     ^^^^^^ such as repeat: { times: 3, steps: [ … ] }
      x.yaml:5:22: error[bad-value]: \`0\` is not a whole number from 1 to 10000
          5 |   - repeat: { times: 0, steps: [ stop: active ] }
            |                      ^
      x.yaml:6:5: error[bad-value]: a repetition has times and steps
          6 |   - repeat: { times: 2, steps: [] }
            |     ^^^^^^ such as repeat: { times: 3, steps: [ … ] }
      x.yaml:7:5: error[bad-value]: a repetition has times and steps
          7 |   - repeat: { times: 2, stps: [ stop: active ] }
            |     ^^^^^^ such as repeat: { times: 3, steps: [ … ] }
      x.yaml:8:34: error[unknown-keyword]: unknown action \`stpo\`
          8 |   - repeat: { times: 2, steps: [ stpo: active ] }
            |                                  ^^^^ \`tanist drill list --actions\` shows all"
    `)
  })

  test('a claim is none', () => {
    expect(
      ofClaims(
        'outage',
        '{ lost: none, outage: 1 s }',
        'outages: 1 s',
        'outage: 1',
        'lost: nothing',
        'take-overs: {}',
        'answered by: []',
        'share: 1-2',
        'memory: 5',
        'log: { of: both, says: "[" }',
      ),
    ).toMatchInlineSnapshot(`
      "x.yaml:6:5: error[bad-value]: this is not a claim
          6 |   - outage
            |     ^^^^^^ such as master: standby; one of: master, holds, state, priority, server, arp, process, log, status, called, file, outage, lost, failed requests, broken connections, moved connections, silent connections, wrong answers, answered by, not answered by, share, two owners, no owner, take-overs, log lines, log never, never called, memory
      x.yaml:7:5: error[bad-value]: these are several; a claim has one word
          7 |   - { lost: none, outage: 1 s }
            |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^ such as master: standby; one of: master, holds, state, priority, server, arp, process, log, status, called, file, outage, lost, failed requests, broken connections, moved connections, silent connections, wrong answers, answered by, not answered by, share, two owners, no owner, take-overs, log lines, log never, never called, memory
      x.yaml:8:5: error[bad-value]: \`outages\` is not a claim
          8 |   - outages: 1 s
            |     ^^^^^^^ do you mean outage?
      x.yaml:9:13: error[bad-value]: \`1\` is not a duration such as 2 s, or a promise of the configuration (takeover, handover, detection), or a sum such as takeover + 1 s
          9 |   - outage: 1
            |             ^ do you mean 1 s, or 1 ms?
      x.yaml:10:11: error[bad-value]: \`nothing\` is not a count, or none
         10 |   - lost: nothing
            |           ^^^^^^^
      x.yaml:11:5: error[bad-value]: this says nothing yet
         11 |   - take-overs: {}
            |     ^^^^^^^^^^ add one of exactly, at most, such as take-overs: 1
      x.yaml:12:18: error[bad-value]: this list is empty
         12 |   - answered by: []
            |                  ^^ a real server, such as server 2, or all
      x.yaml:13:12: error[bad-value]: \`1-2\` is not a number for each server with colons between, such as 1:2:3
         13 |   - share: 1-2
            |            ^^^
      x.yaml:14:13: error[bad-value]: this needs names
         14 |   - memory: 5
            |             ^ such as memory: { of: both, at most: 20 }
      x.yaml:15:28: error[bad-value]: \`[\` is not a regular expression
         15 |   - log: { of: both, says: "[" }
            |                            ^^^"
    `)
  })

  test('a claim is of traffic that there is not', () => {
    expect(
      shown(
        ...HEAD,
        'traffic: [ requests: 20 ms ]',
        'steps:',
        '  - stop: active',
        '  - claim: { lost: none }',
        'claims:',
        '  - outage: takeover',
        '  - failed requests: none',
        '  - broken connections: none',
        '  - wrong answers: none',
        '  - two owners: 1 s',
      ),
    ).toMatchInlineSnapshot(`
      "x.yaml:6:5: error[bad-value]: there is nothing to measure \`lost\` of
          6 |   - claim: { lost: none }
            |     ^^^^^ add traffic: [ probe: auto ]
      x.yaml:8:5: error[bad-value]: there is nothing to measure \`outage\` of
          8 |   - outage: takeover
            |     ^^^^^^^^^^^^^^^^ add traffic: [ probe: auto ]
      x.yaml:10:5: error[bad-value]: there is nothing to measure \`broken connections\` of
         10 |   - broken connections: none
            |     ^^^^^^^^^^^^^^^^^^^^^^^^ add traffic: [ connections: 50 ]"
    `)
  })
})
