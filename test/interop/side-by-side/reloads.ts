import { configuration, instance, script, tellStates, trackScripts } from './configuration.ts'
import type { Sequence, Step } from './sequence.ts'

const reload = (config: string, lasts = 3000): Step => ({ does: { type: 'reload', config }, lasts })
const one = configuration([instance()])
const tracked = configuration([script('a'), instance({ more: trackScripts('a') })])

export const reloads: readonly Sequence[] = [
  {
    name: 'a reload of the same file tells nobody',
    config: one,
    steps: [reload(one)],
  },
  {
    name: 'a reload of the same file as a backup tells nobody',
    config: one,
    peer: 200,
    steps: [reload(one)],
  },
  {
    name: 'a reload tells the pipe where that is asked for',
    config: configuration([instance()], 'fifo_write_vrrp_states_on_reload'),
    steps: [reload(configuration([instance()], 'fifo_write_vrrp_states_on_reload'))],
    byDesign: [
      {
        step: 1,
        channel: 'pipe',
        tells: ['INSTANCE "VI_1" MASTER 150'],
        why: 'keepalived leaves out who is master and stays it',
      },
    ],
  },
  {
    name: 'a reload with a lower priority',
    config: configuration([instance({ more: 'notify_priority_changes' })]),
    steps: [reload(configuration([instance({ priority: 60, more: 'notify_priority_changes' })]), 3500)],
    byDesign: [
      {
        step: 1,
        channel: 'pipe',
        tells: ['INSTANCE "VI_1" MASTER_PRIORITY 60', 'INSTANCE "VI_1" BACKUP 60'],
        why: 'a priority that a reload changes has changed, too',
      },
    ],
  },
  {
    name: 'a reload that adds a script that fails, and one that takes it out again',
    config: one,
    before: [{ type: 'script', name: 'a', ends: 1 }],
    steps: [reload(tracked), reload(one)],
  },
  {
    name: 'a reload while a script fails',
    config: tracked,
    steps: [
      { does: { type: 'script', name: 'a', ends: 1 }, lasts: 2500 },
      reload(tracked),
      { does: { type: 'script', name: 'a', ends: 0 }, lasts: 4000 },
    ],
    // A reload starts all scripts again.
    slack: 1100,
  },
  {
    name: 'a reload gives a script another weight while it fails',
    config: configuration([script('a', 'weight -20'), instance({ more: trackScripts('a') })]),
    steps: [
      { does: { type: 'script', name: 'a', ends: 1 }, lasts: 2500 },
      reload(configuration([script('a', 'weight -70'), instance({ more: trackScripts('a') })]), 4000),
    ],
    slack: 1100,
  },
  {
    name: 'a reload deletes an instance',
    config: configuration([instance(), instance({ number: 1 })]),
    instances: 2,
    steps: [reload(one)],
  },
  {
    name: 'a reload deletes an instance that wants to be told as deleted',
    config: configuration([instance(), instance({ number: 1, more: 'notify_deleted' })]),
    instances: 2,
    steps: [reload(one)],
  },
  {
    name: 'a reload deletes an instance with a script for that',
    config: configuration([
      instance(),
      instance({ number: 1, more: tellStates('VI_2').split('\n')[1]?.replaceAll('master', 'deleted') ?? '' }),
    ]),
    instances: 2,
    steps: [reload(one)],
  },
  {
    name: 'a reload adds an instance',
    config: one,
    instances: 2,
    steps: [reload(configuration([instance(), instance({ number: 1 })]))],
  },
  {
    name: 'a reload calls an instance by another name',
    config: one,
    steps: [
      reload(configuration([instance({ name: 'other' })])),
      { does: { type: 'peer', priority: 200 }, lasts: 2500 },
    ],
  },
  {
    name: 'a reload changes what is run',
    config: one,
    steps: [
      reload(one.replaceAll('/tell master', '/tell now master').replaceAll('/tell backup', '/tell now backup')),
      { does: { type: 'peer', priority: 200 }, lasts: 2500 },
    ],
  },
]
