import type { Found } from '../../check/found.ts'
import { type Decoder, integer, listOf, object, oneOf, optional, parsed, truth, variant } from '../../control/decode.ts'
import type { News } from '../../model/notify.ts'
import { type HostAnswer, MAX_HOST_ADDRESSES } from '../../model/host-name.ts'
import { parseAddress } from '../../net/address.ts'
import type { ToScript } from '../messages.ts'

/** News in a message, and characters of a name or a reason. */
const MOST_NEWS = 100_000
const LONGEST_TEXT = 100_000
/** More than a configuration has. */
const MOST_CHECKERS = 1_000_000

const text: Decoder<string> = parsed(
  (value) => (value.length <= LONGEST_TEXT ? value : undefined),
  `a text of at most ${LONGEST_TEXT} characters`,
)
const at = integer(0, Number.MAX_SAFE_INTEGER)
const priority = integer(0, 255)

const ofServer = { service: text, up: truth, reason: text, at, initial: truth }

const news = variant<News>('type', {
  state: object({
    type: oneOf('state'),
    subject: oneOf('INSTANCE', 'GROUP'),
    name: text,
    state: oneOf('MASTER', 'BACKUP', 'FAULT', 'STOP', 'DELETED'),
    priority,
    reason: text,
    at,
  }),
  priority: object({ type: oneOf('priority'), name: text, state: oneOf('MASTER', 'BACKUP'), priority, at }),
  'lower-priority': object({ type: oneOf('lower-priority'), name: text, priority, at }),
  server: object({ type: oneOf('server'), server: text, ...ofServer }),
  quorum: object({ type: oneOf('quorum'), ...ofServer }),
})

const ids = listOf(text, MOST_CHECKERS)
const found = object<Found>({ up: ids, down: ids })
const answer = object<HostAnswer>({
  host: text,
  family: oneOf('inet', 'inet6'),
  addresses: listOf(parsed(parseAddress, 'an IP address'), MAX_HOST_ADDRESSES),
})

/** What a director says over a socket. Throws RequestError. */
export const toScript: Decoder<ToScript> = variant<ToScript>('type', {
  configure: object({
    type: oneOf('configure'),
    digest: text,
    starts: truth,
    found,
    resting: ids,
    answers: optional(listOf(answer, MOST_CHECKERS)),
  }),
  rest: object({ type: oneOf('rest'), resting: ids, found }),
  start: object({ type: oneOf('start') }),
  news: object({ type: oneOf('news'), news: listOf(news, MOST_NEWS) }),
  ask: object({ type: oneOf('ask'), number: at, id: text }),
  finish: object({ type: oneOf('finish'), within: integer(0, 2 ** 31 - 1), shutdown: truth }),
})
