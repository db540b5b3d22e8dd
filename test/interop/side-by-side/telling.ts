import { configuration, HERE, instance, script, trackScripts } from './configuration.ts'
import type { Sequence } from './sequence.ts'

/** Who is told what, besides states. */
export const telling: readonly Sequence[] = [
  {
    name: 'a master hears an advert of lower priority',
    config: configuration([instance({ more: `notify_master_rx_lower_pri "${HERE}/tell lower"` })]),
    steps: [
      { does: { type: 'deafen' }, lasts: 2500 },
      { does: { type: 'join' }, lasts: 1500 },
    ],
    repeats: true,
  },
  {
    name: 'two masters that do not hear each other, and the other one is higher',
    config: configuration([instance()]),
    peer: 200,
    steps: [
      { does: { type: 'part' }, lasts: 2500 },
      { does: { type: 'join' }, lasts: 2000 },
    ],
  },
  {
    name: 'priority changes are told',
    config: configuration([
      script('a', 'weight -20'),
      instance({ more: `${trackScripts('a')}\n  notify_priority_changes` }),
    ]),
    steps: [
      { does: { type: 'script', name: 'a', ends: 1 }, lasts: 2500 },
      { does: { type: 'script', name: 'a', ends: 0 }, lasts: 2500 },
    ],
  },
  {
    name: 'priority changes of a backup are told',
    config: configuration(
      [script('a', 'weight -20'), instance({ more: trackScripts('a') })],
      'vrrp_notify_priority_changes',
    ),
    peer: 200,
    steps: [
      { does: { type: 'script', name: 'a', ends: 1 }, lasts: 2500 },
      { does: { type: 'script', name: 'a', ends: 0 }, lasts: 2500 },
    ],
  },
  {
    name: 'a backup stops',
    config: configuration([instance()]),
    peer: 200,
    steps: [],
  },
  {
    name: 'a stop in fault',
    config: configuration([script('a'), instance({ more: trackScripts('a') })]),
    steps: [{ does: { type: 'script', name: 'a', ends: 1 }, lasts: 2500 }],
  },
  {
    name: 'a stop by SIGINT',
    config: configuration([instance()]),
    signal: 'SIGINT',
    steps: [],
  },
  {
    name: 'the priority of the peer rises and falls',
    config: configuration([instance()]),
    steps: [
      { does: { type: 'peer', priority: 200 }, lasts: 3500 },
      { does: { type: 'peer', priority: 100 }, lasts: 3500 },
    ],
  },
  {
    name: 'the peer stops and comes back',
    config: configuration([instance({ priority: 80 })]),
    steps: [
      { does: { type: 'peer', priority: 'stopped' }, lasts: 2500 },
      { does: { type: 'peer', priority: 100 }, lasts: 3500 },
    ],
  },
  {
    name: 'a handler reads the pipe',
    config: configuration(
      [script('a', 'weight -60'), instance({ more: trackScripts('a') })],
      `notify_fifo ${HERE}/handled\n  notify_fifo_script "${HERE}/handle 'one argument'"`,
    ),
    steps: [
      { does: { type: 'script', name: 'a', ends: 1 }, lasts: 4000 },
      { does: { type: 'script', name: 'a', ends: 0 }, lasts: 4000 },
    ],
    byDesign: [
      {
        step: 3,
        channel: 'scripts',
        tells: ['<INSTANCE "VI_1" STOP 150>', '[stop] [VI_1]', '[any] [INSTANCE] [VI_1] [STOP] [150]'],
        why: 'keepalived ends the handler before it says that it stops',
      },
    ],
  },
  {
    name: 'arguments with blanks, and what a shell would read',
    config: configuration([
      instance().replace(`"${HERE}/tell any"`, `"${HERE}/tell 'two words' $HOME * a;b" root root`),
    ]),
    steps: [],
  },
  {
    name: 'scripts of start and stop',
    config: configuration(
      [instance()],
      `startup_script "${HERE}/tell startup"\n  shutdown_script "${HERE}/tell shutdown"`,
    ),
    steps: [],
    // keepalived waits for a second.
    slack: 1000,
  },
]
