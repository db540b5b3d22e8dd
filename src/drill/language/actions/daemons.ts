import { action } from '../action.ts'
import { DURATION, needed, optional, otherwise, PERCENT, whole } from '../kinds.ts'
import { DIRECTOR, DIRECTORS, PROCESS } from '../words.ts'

/** What happens to the processes of a director. */
export const DAEMONS = {
  start: action({
    says: 'Starts the daemon of a director',
    main: 'of',
    parameters: { of: needed(DIRECTORS, 'whose') },
    undo: undefined,
    labOnly: undefined,
    example: 'start: active',
  }),
  stop: action({
    says: 'Stops the daemon in order, as systemctl stop does',
    main: 'of',
    parameters: { of: needed(DIRECTORS, 'whose') },
    undo: 'starts it',
    labOnly: undefined,
    example: 'stop: active',
  }),
  kill: action({
    says: 'Ends processes of a daemon at once, as kill -9 does',
    main: 'of',
    parameters: {
      of: needed(DIRECTORS, 'whose'),
      process: otherwise(PROCESS, 'all', 'which: all of them without'),
    },
    undo: 'starts the daemon when it does not run',
    labOnly: undefined,
    example: 'kill: { of: active, process: vrrp }',
  }),
  release: action({
    says: 'Does what systemd does when a daemon has died: `tanistd --release` takes its virtual addresses away',
    main: 'of',
    parameters: { of: needed(DIRECTOR, 'whose') },
    undo: undefined,
    labOnly: 'systemd does it there',
    example: 'release: active',
  }),
  freeze: action({
    says: 'Stops processes of a daemon where they are (SIGSTOP)',
    main: 'of',
    parameters: {
      of: needed(DIRECTORS, 'whose'),
      process: otherwise(PROCESS, 'all', 'which: all of them without'),
      for: optional(DURATION, 'and lets them go on after so long'),
    },
    undo: 'lets them go on',
    labOnly: undefined,
    example: 'freeze: { of: active, for: 3 s }',
  }),
  thaw: action({
    says: 'Lets frozen processes go on',
    main: 'of',
    parameters: {
      of: needed(DIRECTORS, 'whose'),
      process: otherwise(PROCESS, 'all', 'which: all of them without'),
    },
    undo: undefined,
    labOnly: undefined,
    example: 'thaw: active',
  }),
  starve: action({
    says: 'Gives all processes of a daemon together no more than a part of one processor',
    main: undefined,
    parameters: { of: needed(DIRECTORS, 'whose'), to: needed(PERCENT, 'of one processor') },
    undo: 'gives them all of it again',
    labOnly: undefined,
    example: 'starve: { of: active, to: 5 % }',
  }),
  feed: action({
    says: 'Ends starve',
    main: 'of',
    parameters: { of: needed(DIRECTORS, 'whose') },
    undo: undefined,
    labOnly: undefined,
    example: 'feed: active',
  }),
  'limit files': action({
    says: 'Leaves the processes of a daemon so many open files, from now on',
    main: undefined,
    parameters: { of: needed(DIRECTORS, 'whose'), to: needed(whole(1, 1_000_000), 'open files of each process') },
    undo: 'sets the limit that was',
    labOnly: undefined,
    example: 'limit files: { of: active, to: 32 }',
  }),
  'block log': action({
    says: 'Nobody reads what a daemon writes as its log any more, and the pipe is full',
    main: 'of',
    parameters: { of: needed(DIRECTOR, 'whose') },
    undo: 'it is read again',
    labOnly: 'the log there is the journal',
    example: 'block log: active',
  }),
  'unblock log': action({
    says: 'It is read again',
    main: 'of',
    parameters: { of: needed(DIRECTOR, 'whose') },
    undo: undefined,
    labOnly: 'as block log',
    example: 'unblock log: active',
  }),
} as const
