import { action } from '../action.ts'
import { choice, DURATION, needed, optional, otherwise, TEXT, whole, YES_NO } from '../kinds.ts'
import { DIRECTORS, SERVERS } from '../words.ts'

/** What happens to real servers and to commands of the configuration. */
export const SERVERS_AND_SCRIPTS = {
  'break server': action({
    says: 'A real server fails: refuses connections; takes them and never answers (silent); takes all and answers a byte at a time (slow); answers with an error; answers something else (wrong); with a redirect to the page itself; with a body that has no end (endless); with a certificate that has ended (expired); is not there at all (gone)',
    main: 'server',
    parameters: {
      server: needed(SERVERS, 'which'),
      how: otherwise(
        choice('refuse', 'silent', 'slow', 'error', 'wrong', 'redirect', 'endless', 'expired', 'gone'),
        'refuse',
        'how: it refuses without',
      ),
    },
    undo: 'mends it',
    labOnly: 'the servers there are yours: use run with an undo',
    example: 'break server: { server: server 2, how: silent }',
  }),
  'mend server': action({
    says: 'The real server is as it was',
    main: 'server',
    parameters: { server: needed(SERVERS, 'which') },
    undo: undefined,
    labOnly: 'as break server',
    example: 'mend server: server 2',
  }),
  'flap server': action({
    says: 'A real server fails and comes back, over and over, beside the next steps',
    main: undefined,
    parameters: {
      server: needed(SERVERS, 'which'),
      every: needed(DURATION, 'from one failure to the next; it is there for half of that'),
      for: needed(DURATION, 'how long it goes on'),
    },
    undo: 'mends it',
    labOnly: 'as break server',
    example: 'flap server: { server: server 2, every: 1 s, for: 20 s }',
  }),
  drain: action({
    says: 'Takes a real server out by hand, as `tanist drain` does: its connections stay',
    main: 'server',
    parameters: { server: needed(SERVERS, 'which'), on: otherwise(DIRECTORS, 'both', 'on which directors') },
    undo: 'puts it back',
    labOnly: undefined,
    example: 'drain: server 2',
  }),
  undrain: action({
    says: 'Puts it back, as `tanist enable` does',
    main: 'server',
    parameters: { server: needed(SERVERS, 'which'), on: otherwise(DIRECTORS, 'both', 'on which directors') },
    undo: undefined,
    labOnly: undefined,
    example: 'undrain: server 2',
  }),
  'script says': action({
    says: 'From now on a command of the configuration ends so: in the lab each command has a stand-in that succeeds',
    main: undefined,
    parameters: {
      name: needed(TEXT, 'a vrrp_script, or a part of the command as the file has it'),
      of: otherwise(DIRECTORS, 'both', 'on which directors'),
      status: optional(whole(0, 255), 'with this exit status'),
      hangs: otherwise(YES_NO, false, 'or never, whatever signal comes'),
      prints: optional(whole(1, 1024), 'and prints so many MiB first'),
      forks: optional(whole(1, 1000), 'and leaves so many processes behind'),
    },
    oneOf: ['status', 'hangs', 'prints', 'forks'],
    undo: 'it succeeds again',
    labOnly: 'the commands there are yours: use run with an undo',
    example: 'script says: { name: chk_haproxy, of: active, status: 1 }',
  }),
} as const
