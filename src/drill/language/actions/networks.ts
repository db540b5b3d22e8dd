import { action } from '../action.ts'
import { DURATION, needed, optional, otherwise, PERCENT, TEXT } from '../kinds.ts'
import { DIRECTOR, DIRECTORS, HOST, WAY } from '../words.ts'

/** What happens to cables, links and packets. */
export const NETWORKS = {
  'pull cable': action({
    says: 'Takes a machine from the network, at the switch: its interface has no carrier any more. One way: it keeps its carrier, and is deaf (in) or mute (out)',
    main: 'of',
    parameters: {
      of: needed(HOST, 'whose'),
      at: optional(TEXT, 'the interface; all of them without'),
      way: otherwise(WAY, 'both', 'both ways without'),
    },
    undo: 'plugs it in',
    labOnly: 'nobody is at the switch: take link down does it at the machine itself',
    example: 'pull cable: active',
  }),
  'plug cable': action({
    says: 'Plugs it in again',
    main: 'of',
    parameters: { of: needed(HOST, 'whose') },
    undo: undefined,
    labOnly: 'as pull cable',
    example: 'plug cable: active',
  }),
  'take link down': action({
    says: 'Sets an interface of a director down, at the machine itself',
    main: undefined,
    parameters: {
      of: needed(DIRECTOR, 'whose'),
      at: optional(TEXT, 'the interface; that of its first instance without'),
    },
    undo: 'sets it up',
    labOnly: undefined,
    example: 'take link down: { of: active }',
  }),
  'bring link up': action({
    says: 'Sets it up again',
    main: undefined,
    parameters: {
      of: needed(DIRECTOR, 'whose'),
      at: optional(TEXT, 'the interface; that of its first instance without'),
    },
    undo: undefined,
    labOnly: undefined,
    example: 'bring link up: { of: active }',
  }),
  disturb: action({
    says: 'Makes the network of a machine bad: packets are lost, late, doubled, changed or out of order',
    main: undefined,
    parameters: {
      of: needed(HOST, 'whose'),
      at: optional(TEXT, 'the interface; all of them without'),
      way: otherwise(WAY, 'both', 'both ways without; on real machines only out'),
      lose: optional(PERCENT, 'that are lost'),
      delay: optional(DURATION, 'how late each is'),
      jitter: optional(DURATION, 'by how much that differs'),
      duplicate: optional(PERCENT, 'that come twice'),
      corrupt: optional(PERCENT, 'that have a wrong bit'),
      reorder: optional(PERCENT, 'that overtake others; with a delay'),
    },
    oneOf: ['lose', 'delay', 'jitter', 'duplicate', 'corrupt', 'reorder'],
    undo: 'ends it',
    labOnly: undefined,
    example: 'disturb: { of: standby, lose: 30 %, way: in }',
  }),
  calm: action({
    says: 'Ends disturb',
    main: 'of',
    parameters: { of: needed(HOST, 'whose') },
    undo: undefined,
    labOnly: undefined,
    example: 'calm: standby',
  }),
  separate: action({
    says: 'Keeps the directors from hearing each other; everybody else hears both. One way: only this one does not hear',
    main: 'deaf',
    parameters: { deaf: otherwise(DIRECTORS, 'both', 'who does not hear the other; both without') },
    undo: 'lets them hear each other',
    labOnly: undefined,
    example: 'separate: both',
  }),
  join: action({
    says: 'Lets them hear each other again',
    main: 'deaf',
    parameters: { deaf: otherwise(DIRECTORS, 'both', 'who hears the other again; both without') },
    undo: undefined,
    labOnly: undefined,
    example: 'join: both',
  }),
} as const
