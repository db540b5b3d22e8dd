import { action } from '../action.ts'
import { AWAITED, CLAIM } from '../conditions.ts'
import { DURATION, needed, optional, TEXT } from '../kinds.ts'
import { HOST } from '../words.ts'

/** What orders a drill, and says what must be so. */
export const COURSE = {
  wait: action({
    says: 'Lets time pass, with all traffic going on',
    main: 'for',
    parameters: { for: needed(DURATION, 'how long') },
    undo: undefined,
    labOnly: undefined,
    example: 'wait: 2 s',
  }),
  'wait for': action({
    says: 'Waits until something is so; the drill fails when it is not so in time',
    main: 'until',
    parameters: { until: needed(AWAITED, 'what is to be so, and within which time') },
    undo: undefined,
    labOnly: undefined,
    example: 'wait for: { master: standby, within: takeover + 1 s }',
  }),
  claim: action({
    says: 'Claims something of this moment, or of the part of the drill until now; the drill goes on when it does not hold, and has failed',
    main: 'that',
    parameters: { that: needed(CLAIM, 'what must hold') },
    undo: undefined,
    labOnly: undefined,
    example: 'claim: { outage: takeover }',
  }),
  say: action({
    says: 'Writes a sentence into the timeline',
    main: 'text',
    parameters: { text: needed(TEXT, 'the sentence') },
    undo: undefined,
    labOnly: undefined,
    example: 'say: the second rack loses power',
  }),
  measure: action({
    says: 'Begins a new part: claims that follow count from here, and the ones at the end of the file from the first step',
    main: 'part',
    parameters: { part: needed(TEXT, 'its name') },
    undo: undefined,
    labOnly: undefined,
    example: 'measure: the way back',
  }),
  run: action({
    says: 'Runs a command on a machine, with sh; the drill fails when it fails, or takes longer than a minute',
    main: undefined,
    parameters: {
      on: needed(HOST, 'where'),
      command: needed(TEXT, 'for sh -c'),
      undo: optional(TEXT, 'the command that undoes it; needed against real machines'),
    },
    undo: 'runs its undo',
    labOnly: undefined,
    example: "run: { on: active, command: 'systemctl stop haproxy', undo: 'systemctl start haproxy' }",
  }),
} as const
