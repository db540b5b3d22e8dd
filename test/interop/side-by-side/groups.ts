import { configuration, group, instance, script, trackInterfaces, trackScripts } from './configuration.ts'
import type { ScriptEnd, Sequence, Step } from './sequence.ts'

const ends = (end: ScriptEnd, lasts = 4000): Step => ({ does: { type: 'script', name: 'a', ends: end }, lasts })

const MEMBERS = ['VI_1', 'VI_2']
const pair = (more: string, ofFirst = '') => [
  group(MEMBERS, more),
  instance({ more: ofFirst }),
  instance({ number: 1 }),
]

const WEIGHT_IGNORED = 'keepalived says that it ignores the weight, and counts it all the same'
const MEMBERS_AND_GROUP = [...MEMBERS, 'G']
const calls = (of: string, word: string, state: string) => [
  `[${word}] [${of}]`,
  `[any] ${of === 'G' ? `[GROUP] [G] [${state}] [0]` : `[INSTANCE] [${of}] [${state}] [150]`}`,
]
const both = (word: string, state: string) => MEMBERS_AND_GROUP.flatMap((of) => calls(of, word, state))
const lines = (state: string) => [...MEMBERS.map((name) => `INSTANCE "${name}" ${state} 150`), `GROUP "G" ${state} 0`]

/** Two instances in a sync group; the peer has the same two without a group. */
export const groups: readonly Sequence[] = [
  {
    name: 'one member that fails takes the other one along',
    config: configuration([script('a'), ...pair('', trackScripts('a'))]),
    instances: 2,
    steps: [ends(1), ends(0)],
  },
  {
    name: 'a script of a group without weight is for all members',
    config: configuration([script('a'), ...pair(trackScripts('a'))]),
    instances: 2,
    steps: [ends(1), ends(0)],
  },
  {
    name: 'a script of a group changes the priority of all members',
    config: configuration([script('a', 'weight -60'), ...pair(trackScripts('a'))]),
    instances: 2,
    steps: [ends(1), ends(0)],
  },
  {
    name: 'the weight of a member is not counted',
    config: configuration([script('a', 'weight -60'), ...pair('', trackScripts('a'))]),
    instances: 2,
    steps: [{ does: { type: 'script', name: 'a', ends: 1, unheeded: true }, lasts: 3000 }],
  },
  {
    name: 'the weight of a member is counted with sync_group_tracking_weight',
    config: configuration([script('a', 'weight -60'), ...pair('sync_group_tracking_weight', trackScripts('a'))]),
    instances: 2,
    steps: [ends(1), ends(0)],
    // A member that is dragged along keeps its address until its successor is heard.
    slack: 900,
  },
  {
    name: 'an interface of a member with a weight is a fault of all',
    config: configuration(pair('', trackInterfaces('eth1 weight -60'))),
    instances: 2,
    steps: [
      { does: { type: 'link', name: 'eth1', state: 'down' }, lasts: 2500 },
      { does: { type: 'link', name: 'eth1', state: 'up' }, lasts: 4000 },
    ],
    slack: 1300,
    byDesign: [
      { step: 1, channel: 'scripts', tells: both('fault', 'FAULT'), why: WEIGHT_IGNORED },
      { step: 1, channel: 'pipe', tells: lines('FAULT'), why: 'the same' },
      { step: 1, channel: 'adverts', tells: ['vrid 51 priority 0', 'vrid 52 priority 0'], why: 'the same' },
      {
        step: 2,
        channel: 'scripts',
        tells: [...both('backup', 'BACKUP'), ...both('master', 'MASTER')],
        why: 'the same',
      },
      { step: 2, channel: 'pipe', tells: [...lines('BACKUP'), ...lines('MASTER')], why: 'the same' },
    ],
  },
  {
    name: 'an interface of a group changes the priority of all members',
    config: configuration(pair(`${trackInterfaces('eth1 weight -60')}\n  notify_priority_changes`)),
    instances: 2,
    steps: [
      { does: { type: 'link', name: 'eth1', state: 'down' }, lasts: 2500 },
      { does: { type: 'link', name: 'eth1', state: 'up' }, lasts: 4000 },
    ],
    slack: 1300,
  },
  {
    name: 'what one member tracks is for all with global_tracking',
    config: configuration([script('a'), ...pair('global_tracking', trackScripts('a'))]),
    instances: 2,
    steps: [ends(1), ends(0)],
  },
  {
    name: 'the cable of all members is unplugged and plugged in',
    config: configuration(pair('')),
    instances: 2,
    steps: [
      { does: { type: 'cable', name: 'eth0', state: 'down' }, lasts: 2500 },
      { does: { type: 'cable', name: 'eth0', state: 'up' }, lasts: 4000 },
    ],
    slack: 1300,
  },
  {
    name: 'the peer of a group stops and comes back',
    config: configuration(pair('').map((text) => text.replace('priority 150', 'priority 80'))),
    instances: 2,
    steps: [
      { does: { type: 'peer', priority: 'stopped' }, lasts: 2500 },
      { does: { type: 'peer', priority: 100 }, lasts: 3500 },
    ],
  },
]
