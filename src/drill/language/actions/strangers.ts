import { action } from '../action.ts'
import { choice, DURATION, needed, oneOrMore, optional, otherwise, TEXT, whole, YES_NO } from '../kinds.ts'
import { DIRECTOR } from '../words.ts'
import { millis } from '../../../time.ts'

/** What somebody else does. */
export const STRANGERS = {
  'remove address': action({
    says: 'Takes an address from a director, as somebody with `ip address delete` would',
    main: 'of',
    parameters: {
      of: needed(DIRECTOR, 'whose'),
      address: optional(TEXT, 'which; the first virtual address without'),
    },
    undo: 'puts it back while the director is to have it',
    labOnly: undefined,
    example: 'remove address: active',
  }),
  'claim address': action({
    says: 'A machine that is none of ours takes a virtual address and says so (ARP)',
    main: undefined,
    parameters: { address: optional(TEXT, 'which; the first virtual address without') },
    undo: 'it gives the address back',
    labOnly: 'it would be one of your machines',
    example: 'claim address: {}',
  }),
  'unclaim address': action({
    says: 'It gives the address back',
    main: undefined,
    parameters: {},
    undo: undefined,
    labOnly: 'as claim address',
    example: 'unclaim address: {}',
  }),
  'send adverts': action({
    says: "A stranger on the directors' network sends VRRP adverts, by default for the first instance as its configuration says",
    main: undefined,
    parameters: {
      priority: needed(whole(0, 255), 'in the adverts'),
      times: otherwise(whole(1, 1_000_000), 1, 'how many'),
      every: otherwise(DURATION, millis(100), 'from one to the next, 100 ms without'),
      interval: optional(DURATION, 'that they name: up to 40.95 s; that of the configuration without'),
      vrid: optional(whole(1, 255), 'another virtual router'),
      version: optional(whole(2, 3), 'another version'),
      ttl: otherwise(whole(0, 255), 255, '255 without'),
      addresses: optional(oneOrMore(TEXT), 'other virtual addresses'),
      replayed: otherwise(YES_NO, false, 'copies of what the active one has sent in the drill, in place of all that'),
    },
    undo: undefined,
    labOnly: 'it would be an attack on your network',
    example: 'send adverts: { priority: 254, times: 1 }',
  }),
  flood: action({
    says: 'Sends as many packets a second at the directors: random and damaged adverts, or requests to open connections (SYN) from many addresses',
    main: undefined,
    parameters: {
      with: needed(choice('adverts', 'syn'), 'what'),
      rate: needed(whole(1, 1_000_000), 'packets a second, as many of them as this machine can send'),
      for: needed(DURATION, 'how long; the next step begins at once'),
    },
    undo: 'ends it',
    labOnly: 'it would be an attack on your network',
    example: 'flood: { with: adverts, rate: 50000, for: 8 s }',
  }),
} as const
