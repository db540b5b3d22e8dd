import { action } from '../action.ts'
import { choice, needed, otherwise, PATTERN, TEXT, whole, YES_NO } from '../kinds.ts'
import { DIRECTOR, DIRECTORS } from '../words.ts'

/** What an operator does. */
export const OPERATIONS = {
  'change file': action({
    says: 'Replaces text in the configuration file, everywhere in it; nobody reads it before a reload',
    main: undefined,
    parameters: {
      of: needed(DIRECTORS, 'whose'),
      replace: needed(PATTERN, 'what is replaced, a regular expression; it must be there'),
      by: needed(TEXT, 'what stands there then; $1 is the first group'),
    },
    undo: 'writes the file that was, and reloads it',
    labOnly: undefined,
    example: 'change file: { of: both, replace: weight 3, by: weight 7 }',
  }),
  'write file': action({
    says: 'Writes another configuration file; an empty text makes an empty file',
    main: undefined,
    parameters: { of: needed(DIRECTORS, 'whose'), text: needed(TEXT, 'all of it') },
    undo: 'writes the file that was, and reloads it',
    labOnly: undefined,
    example: "write file: { of: active, text: '' }",
  }),
  'remove file': action({
    says: 'Removes the configuration file',
    main: 'of',
    parameters: { of: needed(DIRECTORS, 'whose') },
    undo: 'writes the file that was, and reloads it',
    labOnly: undefined,
    example: 'remove file: active',
  }),
  'restore file': action({
    says: 'Writes the file that was when the drill began; nobody reads it before a reload',
    main: 'of',
    parameters: { of: needed(DIRECTORS, 'whose') },
    undo: undefined,
    labOnly: undefined,
    example: 'restore file: both',
  }),
  reload: action({
    says: 'Has the file read again; the drill fails when it is taken although it is to be refused, or the other way round',
    main: 'of',
    parameters: {
      of: needed(DIRECTORS, 'whose'),
      expect: otherwise(choice('taken', 'refused', 'either'), 'taken', 'what becomes of it; taken without'),
      times: otherwise(whole(1, 1000), 1, 'so many in a row, without a pause'),
    },
    undo: undefined,
    labOnly: undefined,
    example: 'reload: both',
  }),
  'hand over': action({
    says: 'A planned hand-over: `tanist failover`; keepalived, which has none, gets a lower priority by a reload',
    main: 'of',
    parameters: { of: needed(DIRECTOR, 'whose roles') },
    undo: 'takes them back',
    labOnly: undefined,
    example: 'hand over: active',
  }),
  'take back': action({
    says: 'Ends a planned hand-over: `tanist failback`',
    main: 'of',
    parameters: { of: needed(DIRECTOR, 'whose roles') },
    undo: undefined,
    labOnly: undefined,
    example: 'take back: active',
  }),
  upgrade: action({
    says: 'Has the daemon become the version that is installed by now, in place: `tanist upgrade`; keepalived has none',
    main: 'of',
    parameters: { of: needed(DIRECTOR, 'whose') },
    undo: undefined,
    labOnly: 'nothing brings the version back that was there before: run tanist upgrade by hand',
    example: 'upgrade: active',
  }),
  maintain: action({
    says: 'Keeps a director out of all roles, or ends that: `tanist maintenance`',
    main: undefined,
    parameters: { of: needed(DIRECTOR, 'which'), on: needed(YES_NO, 'yes or no') },
    undo: 'ends it',
    labOnly: undefined,
    example: 'maintain: { of: active, on: yes }',
  }),
} as const
