import { configuration, HERE, instance, script, tellStates, trackScripts } from './configuration.ts'
import type { ScriptEnd, Sequence, Step } from './sequence.ts'

const ends = (name: string, end: ScriptEnd, lasts = 3500): Step => ({
  does: { type: 'script', name, ends: end },
  lasts,
})

const unheeded = (name: string, end: ScriptEnd): Step => ({
  does: { type: 'script', name, ends: end, unheeded: true },
  lasts: 2500,
})

/** One instance that tracks script `a`. */
const tracking = (ofScript: string, track = 'a', priority = 150, ofInstance = '') =>
  configuration([script('a', ofScript), instance({ priority, more: `${trackScripts(track)}\n  ${ofInstance}` })])

/** Scripts without a weight: fault while they fail. */
export const faultScripts: readonly Sequence[] = [
  {
    name: 'a script fails twice, and succeeds twice',
    config: tracking('fall 2\n  rise 2'),
    steps: [ends('a', 1), ends('a', 0, 4500)],
  },
  {
    name: 'a script that fails from the start on recovers',
    config: tracking('fall 3\n  rise 2'),
    before: [{ type: 'script', name: 'a', ends: 3 }],
    steps: [ends('a', 0, 4500)],
  },
  {
    name: 'a script hangs longer than its time limit',
    config: tracking('timeout 1\n  fall 1'),
    // Its runs are killed with SIGTERM, and with SIGKILL later.
    steps: [ends('a', 'never', 5000), ends('a', 0, 5500)],
    slack: 1100,
  },
  {
    name: 'a script that flaps faster than it falls has no effect',
    config: tracking('fall 2\n  rise 2'),
    steps: [ends('a', 1, 1), ends('a', 0, 1), ends('a', 1, 1), ends('a', 0, 2500)],
  },
  {
    name: 'a script that flaps counts each time when it falls and rises at once',
    config: tracking('fall 1\n  rise 1'),
    steps: [ends('a', 1, 1600), ends('a', 0, 1600), ends('a', 1, 1600), ends('a', 0, 3500)],
  },
  {
    name: 'a script that is killed by a signal has failed',
    config: tracking('fall 1'),
    steps: [ends('a', 'killed', 2500), ends('a', 0, 3500)],
  },
  {
    name: 'of two scripts both must succeed',
    config: configuration([script('a'), script('b'), instance({ more: trackScripts('a', 'b') })]),
    steps: [ends('a', 1, 2500), ends('b', 1, 2500), ends('a', 0, 2500), ends('b', 0, 3500)],
  },
  {
    name: 'fault while a reversed script without weight succeeds',
    config: tracking('weight 0 reverse'),
    before: [{ type: 'script', name: 'a', ends: 1 }],
    steps: [ends('a', 0, 2500), ends('a', 1, 3500)],
  },
  {
    name: 'a script is taken for failed at the start',
    config: tracking('init_fail\n  rise 3\n  weight -60'),
    settles: 6000,
    steps: [ends('a', 1, 2500)],
    // keepalived says that it does so, and does not.
    slack: 2000,
  },
  {
    name: 'an owner is in fault while a script fails',
    config: configuration([script('a'), instance({ priority: 255, state: 'MASTER', more: trackScripts('a') })]),
    steps: [ends('a', 1), ends('a', 0)],
    slack: 800,
    byDesign: [
      {
        step: 2,
        channel: 'scripts',
        tells: ['[master] [VI_1]', '[any] [INSTANCE] [VI_1] [MASTER] [255]'],
        why: 'an owner is master at once (RFC 9568, section 6.4.1); keepalived has it wait as a backup',
      },
      { step: 2, channel: 'pipe', tells: ['INSTANCE "VI_1" MASTER 255'], why: 'the same' },
    ],
  },
  {
    name: 'a script is not there',
    config: configuration([
      `
vrrp_script a {
  script "${HERE}/missing"
  interval 1
}`,
      instance({ more: trackScripts('a') }),
    ]),
    steps: [],
    byDesign: [
      {
        step: 0,
        channel: 'scripts',
        tells: ['[fault] [VI_1]', '[any] [INSTANCE] [VI_1] [FAULT] [150]'],
        why: 'a check that cannot run has failed; keepalived is master without it',
      },
      { step: 0, channel: 'pipe', tells: ['INSTANCE "VI_1" FAULT 150'], why: 'the same' },
      { step: 0, channel: 'addresses', tells: [], why: 'the same' },
      { step: 0, channel: 'adverts', tells: [], why: 'the same' },
      { step: 1, channel: 'addresses', tells: [], why: 'the same' },
      { step: 1, channel: 'adverts', tells: [], why: 'the same' },
    ],
  },
]

/** Scripts that change the priority. */
export const weightScripts: readonly Sequence[] = [
  {
    name: 'a failing script subtracts its weight',
    config: tracking('weight -60\n  fall 2\n  rise 2'),
    steps: [ends('a', 1, 5000), ends('a', 0, 5000)],
  },
  {
    name: 'a script that succeeds adds its weight',
    config: tracking('weight 60', 'a', 80),
    steps: [ends('a', 1, 4000), ends('a', 0, 4000)],
  },
  {
    name: 'a negative weight reversed adds while the script succeeds not',
    config: tracking('weight -60 reverse', 'a', 80),
    steps: [ends('a', 1, 4000), ends('a', 0, 4000)],
  },
  {
    name: 'a positive weight reversed subtracts while the script succeeds',
    config: tracking('weight 60 reverse'),
    before: [{ type: 'script', name: 'a', ends: 1 }],
    steps: [ends('a', 0, 4000), ends('a', 1, 4000)],
  },
  {
    name: 'the weight of an instance goes before that of the script',
    config: tracking('weight -10', 'a weight -70'),
    steps: [ends('a', 1, 4000), ends('a', 0, 4000)],
  },
  {
    name: 'weights of several scripts add up',
    config: configuration([
      script('a', 'weight -30'),
      script('b', 'weight -40'),
      instance({ more: `${trackScripts('a', 'b')}\n  notify_priority_changes` }),
    ]),
    steps: [ends('a', 1, 3000), ends('b', 1, 4000), ends('a', 0, 4000), ends('b', 0, 3000)],
  },
  {
    name: 'a priority stays between 1 and 254',
    config: configuration([
      script('a', 'weight -253'),
      script('b', 'weight 200'),
      instance({ more: `${trackScripts('a', 'b')}\n  notify_priority_changes` }),
    ]),
    steps: [ends('b', 1, 3000), ends('a', 1, 4000), ends('b', 0, 4000), ends('a', 0, 3000)],
  },
  {
    name: 'one script counts for two instances, with the weight of each',
    config: configuration([
      script('a', 'weight -60'),
      instance({ more: trackScripts('a') }),
      instance({ number: 1, more: trackScripts('a weight -20') }),
    ]),
    instances: 2,
    steps: [ends('a', 1, 4000), ends('a', 0, 4000)],
  },
  {
    name: 'a weight does not change an owner',
    config: configuration([
      script('a', 'weight -60'),
      instance({ priority: 255, state: 'MASTER', more: trackScripts('a') }),
    ]),
    steps: [unheeded('a', 1), unheeded('a', 0)],
  },
  {
    name: 'a lower priority does not give back what nopreempt keeps',
    config: tracking('weight -60', 'a', 150, 'nopreempt'),
    steps: [
      { does: { type: 'peer', priority: 'stopped' }, lasts: 2500 },
      { does: { type: 'peer', priority: 100 }, lasts: 2500 },
      ends('a', 1, 4000),
      ends('a', 0, 4000),
    ],
  },
  {
    name: 'a preemption is delayed, also behind a recovered script',
    config: tracking('weight -60', 'a', 150, 'preempt_delay 2'),
    settles: 4500,
    steps: [ends('a', 1, 4000), ends('a', 0, 5500)],
  },
  {
    name: 'of an instance without notify scripts only the pipe is told',
    config: configuration([
      script('a', 'weight -60'),
      instance({ more: trackScripts('a') }).replace(tellStates('VI_1'), ''),
    ]),
    steps: [ends('a', 1, 4000), ends('a', 0, 4000)],
  },
]
