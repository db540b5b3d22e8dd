import { type Conversation, type Taken, WrongAnswer } from '../conversation.ts'
import { bad, type Finding, good } from '../finding.ts'
import { shown } from '../shown.ts'

/** PostgreSQL's frontend/backend protocol 3.0 ("Message Formats" of its manual). */
const PROTOCOL = 0x0003_0000
/** The lengths of messages count themselves. */
const LENGTH_SIZE = 4
/** Classes of SQLSTATE of a server that works and does not know this user: invalid authorization, no such database. */
const STRANGERS = /^(28|3D)/
const AUTHENTICATED = 0
/** BOUNDED: messages of one start-up; a server of today sends 15. */
const MOST_MESSAGES = 256
/** Terminate. */
const TERMINATE = Buffer.from('5800000004', 'hex')

interface Message {
  readonly type: string
  readonly body: Buffer
}

/**
 * A start-up message gets a request for a password, or is refused for who sends it, as pg_isready has it, or is taken until queries may
 * come: a server that is full says so behind the login only.
 */
export async function askPostgresql(conversation: Conversation, user: string): Promise<Finding> {
  const text = Buffer.from(`user\0${user}\0database\0postgres\0\0`)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + text.length, 0)
  head.writeUInt32BE(PROTOCOL, 4)
  conversation.send(Buffer.concat([head, text]))
  for (let count = 0; count < MOST_MESSAGES; count++) {
    const { type, body } = await conversation.receive('the answer to the start-up message', takeMessage)
    switch (type) {
      case 'R':
        if (body.length >= 4 && body.readUInt32BE(0) === AUTHENTICATED) break
        conversation.send(TERMINATE)
        return good('asks for a password')
      case 'Z':
        conversation.send(TERMINATE)
        return good('logged in')
      case 'E':
        return judgeError(body)
      // ParameterStatus, BackendKeyData, NoticeResponse, NegotiateProtocolVersion: on the way to ReadyForQuery.
      case 'S':
      case 'K':
      case 'N':
      case 'v':
        break
      default:
        throw new WrongAnswer('the answer to the start-up message is not that of PostgreSQL')
    }
  }
  throw new WrongAnswer(`no end of the start-up after ${MOST_MESSAGES} messages`)
}

function judgeError(body: Buffer): Finding {
  const { code, message } = errorOf(body)
  const said = `${shown(code)} ${shown(message)}`
  return STRANGERS.test(code) ? good(said) : bad(`the server says ${said}`)
}

/** Fields, each a letter and text up to a zero byte; a zero byte at the end. */
function errorOf(body: Buffer): { readonly code: string; readonly message: string } {
  const fields = new Map(
    body
      .toString('latin1')
      .split('\0')
      .map((field) => [field.charAt(0), field.slice(1)]),
  )
  return { code: fields.get('C') ?? '', message: fields.get('M') ?? '' }
}

/** A letter, a length and as many bytes. */
export function takeMessage(bytes: Buffer): Taken<Message> {
  if (bytes.length < 1 + LENGTH_SIZE) return undefined
  const length = bytes.readUInt32BE(1)
  if (length < LENGTH_SIZE) throw new WrongAnswer('a message is shorter than its length')
  const end = 1 + length
  if (bytes.length < end) return undefined
  return { value: { type: bytes.toString('latin1', 0, 1), body: bytes.subarray(1 + LENGTH_SIZE, end) }, length: end }
}
