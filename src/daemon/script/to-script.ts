import { type Decoder, integer, listOf, object, oneOf, parsed, truth, variant } from '../../control/decode.ts'
import type { News } from '../../model/notify.ts'
import type { ToScript } from '../messages.ts'

/** News in a message, and characters of a name or a reason. */
const MOST_NEWS = 100_000
const LONGEST_TEXT = 100_000

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

/** What a director says over a socket. Throws RequestError. */
export const toScript: Decoder<ToScript> = variant<ToScript>('type', {
  configure: object({ type: oneOf('configure'), digest: text, starts: truth }),
  start: object({ type: oneOf('start') }),
  news: object({ type: oneOf('news'), news: listOf(news, MOST_NEWS) }),
  finish: object({ type: oneOf('finish'), within: integer(0, 2 ** 31 - 1), shutdown: truth }),
})
