import { configuration, HERE, instance, processName, trackFiles, trackProcesses } from './configuration.ts'
import type { Sequence, Step } from './sequence.ts'

const BEGINS_WITH = 'a priority with which an instance begins has not changed'

const write = (text: string, lasts = 2500): Step => ({ does: { type: 'write', file: 'number', text }, lasts })

const file = (more = '') => `
track_file f {
  file "${HERE}/number"
  ${more}
}`

const tracking = (more: string, track = 'f', priority = 150) =>
  configuration([file(more), instance({ priority, more: `${trackFiles(track)}\n  notify_priority_changes` })])

/** Files that hold a number. */
export const files: readonly Sequence[] = [
  {
    name: 'the number of a file counts',
    config: tracking(''),
    before: [{ type: 'write', file: 'number', text: '0\n' }],
    steps: [write('-60\n'), write('20'), write('0\n')],
  },
  {
    name: 'fault while a file without weight does not hold 0',
    config: tracking('weight 0'),
    before: [{ type: 'write', file: 'number', text: '0\n' }],
    steps: [write('1\n'), write('0\n')],
  },
  {
    name: 'the number of a file is multiplied, and reversed',
    config: tracking('', 'f weight -6 reverse'),
    before: [{ type: 'write', file: 'number', text: '0\n' }],
    steps: [write('-10\n'), write('5\n'), write('0\n')],
  },
  {
    name: 'a number that takes all of the priority is a fault',
    config: tracking(''),
    before: [{ type: 'write', file: 'number', text: '0\n' }],
    steps: [write('-253\n'), write('-254\n'), write('254\n'), write('0\n')],
    byDesign: [
      {
        step: 2,
        channel: 'scripts',
        tells: ['[fault] [VI_1]', '[any] [INSTANCE] [VI_1] [FAULT] [150]'],
        why: 'a number that is a fault does not count as a weight; keepalived goes on with the number of before',
      },
      { step: 2, channel: 'pipe', tells: ['INSTANCE "VI_1" FAULT 150'], why: 'the same' },
    ],
  },
  {
    name: 'a file that is removed, or has no number, counts as 0',
    config: tracking(''),
    steps: [write('-60\n'), { does: { type: 'remove', file: 'number' }, lasts: 2500 }, write('-60\n'), write('none\n')],
  },
  {
    name: 'a file is made with a number',
    config: tracking('init_file -60'),
    peer: 50,
    steps: [write('0\n')],
    byDesign: [
      {
        step: 0,
        channel: 'pipe',
        tells: ['INSTANCE "VI_1" BACKUP 90', 'INSTANCE "VI_1" MASTER 90'],
        why: BEGINS_WITH,
      },
    ],
  },
  {
    name: 'a file is overwritten at the start',
    config: tracking('init_file -70 overwrite'),
    peer: 50,
    before: [{ type: 'write', file: 'number', text: '-20\n' }],
    steps: [write('0\n')],
    byDesign: [
      {
        step: 0,
        channel: 'pipe',
        tells: ['INSTANCE "VI_1" BACKUP 80', 'INSTANCE "VI_1" MASTER 80'],
        why: BEGINS_WITH,
      },
    ],
  },
]

const NAME = 'w'
const run = (args: readonly string[] | undefined, lasts = 2500): Step => ({
  does: { type: 'run', name: NAME, ...(args && { args }) },
  lasts,
})
const kill = (lasts = 2500): Step => ({ does: { type: 'kill', name: NAME }, lasts })
const running = [{ type: 'run', name: NAME }] as const

const process = (more: string, parameters = '', track = 'p', priority = 150) =>
  configuration([
    `
vrrp_track_process p {
  process ${parameters === '' ? processName(NAME) : parameters}
  ${more}
}`,
    instance({ priority, more: `${trackProcesses(track)}\n  notify_priority_changes` }),
  ])

export const processes: readonly Sequence[] = [
  {
    name: 'fault while a process is not running',
    config: process('weight 0'),
    before: running,
    steps: [kill(), run(undefined)],
  },
  {
    name: 'a process that is not running from the start on',
    config: process('weight 0'),
    steps: [run(undefined), kill()],
  },
  {
    name: 'a process that is running adds its weight',
    config: process('', '', 'p weight 60', 80),
    before: running,
    steps: [kill(), run(undefined)],
    byDesign: [
      {
        step: 0,
        channel: 'pipe',
        tells: ['INSTANCE "VI_1" BACKUP 140', 'INSTANCE "VI_1" MASTER 140'],
        why: BEGINS_WITH,
      },
    ],
  },
  {
    name: 'too few processes subtract their weight',
    config: process('weight -60\n  quorum 2'),
    before: [...running, ...running],
    steps: [kill(), run(undefined), run(undefined), kill(), kill()],
  },
  {
    name: 'a process that is started again soon has not been missed',
    config: process('weight 0\n  terminate_delay 2'),
    before: running,
    steps: [kill(300), run(undefined, 3500), kill(4500), run(undefined)],
  },
  {
    name: 'a process counts when it has been running for a while',
    config: process('weight 0\n  fork_delay 2'),
    steps: [run(undefined, 300), kill(3500), run(undefined, 5500)],
  },
  {
    name: 'more processes than are allowed are a fault',
    config: process('weight 0\n  quorum 1\n  quorum_max 1'),
    before: running,
    steps: [run(undefined), kill()],
  },
  {
    name: 'fault while a reversed process is running',
    config: process('weight 0 reverse'),
    steps: [run(undefined), kill()],
  },
  {
    name: 'only a process with these parameters counts',
    config: process('weight 0\n  full_command', `"${HERE}/${processName(NAME)}" 1001`),
    before: running,
    steps: [run(['1001']), kill(), kill()],
  },
]
