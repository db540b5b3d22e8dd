import { type Conversation, type Taken, WrongAnswer } from '../conversation.ts'
import { bad, type Finding, good } from '../finding.ts'
import { shown } from '../shown.ts'

/** MySQL's client/server protocol, version 10: "Connection Phase" of its internals manual. */
const VERSION = 10
const ERROR = 0xff
const OK = 0x00
/** Another way to log in is asked for, or more of the same. */
const AUTH_SWITCH = 0xfe
const AUTH_MORE_DATA = 0x01
/** BOUNDED: questions of one login. */
const MOST_TURNS = 4
/** CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION. */
const CAPABILITIES = 0x0000_8201
const LARGEST_PACKET = 0x100_0000
const UTF8 = 33
/** Errors of a server that works and does not know this user: access denied, other ways to log in, no such database. */
const STRANGERS: ReadonlySet<number> = new Set([1044, 1045, 1049, 1251, 1524, 1698])
/** COM_QUIT, as a packet. */
const QUIT = Uint8Array.of(1, 0, 0, 0, 1)

interface Packet {
  readonly sequence: number
  readonly body: Buffer
}

/**
 * A greeting, and an answer to a login without a password. Without that login MySQL would count the host's connections as errors,
 * and lock it out at the hundredth (`max_connect_errors`). That the login is refused is as good as that it is not.
 */
export async function askMysql(conversation: Conversation, user: string): Promise<Finding> {
  const greeting = await conversation.receive('the greeting', takePacket)
  const version = versionOf(greeting.body)
  conversation.send(login(greeting.sequence + 1, user))
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const { sequence, body } = await conversation.receive('the answer to the login', takePacket)
    const [kind] = body
    if (kind === ERROR) return judgeError(body, version)
    if (kind === OK) {
      conversation.send(QUIT)
      return good(version)
    }
    if (kind !== AUTH_MORE_DATA && kind !== AUTH_SWITCH) {
      throw new WrongAnswer('the answer to the login is not that of MySQL')
    }
    conversation.send(noPassword(sequence + 1))
  }
  throw new WrongAnswer(`no end of the login after ${MOST_TURNS} turns`)
}

function versionOf(body: Buffer): string {
  if (body[0] === ERROR) throw new WrongAnswer(`the server says ${errorText(body)}`)
  if (body[0] !== VERSION) throw new WrongAnswer('the greeting is not that of MySQL')
  const end = body.indexOf(0, 1)
  if (end < 0) throw new WrongAnswer('the greeting is not that of MySQL')
  return `MySQL ${shown(body.toString('latin1', 1, end))}`
}

function judgeError(body: Buffer, version: string): Finding {
  const code = body.length < 3 ? 0 : body.readUInt16LE(1)
  return STRANGERS.has(code) ? good(`${version}, ${errorText(body)}`) : bad(`the server says ${errorText(body)}`)
}

/** The number, and the text behind `#` and five characters of SQL state, if there is one. */
function errorText(body: Buffer): string {
  if (body.length < 3) return 'an error without a number'
  const text = body.toString('latin1', 3).replace(/^#.{5}/s, '')
  return `error ${body.readUInt16LE(1)}: ${shown(text)}`
}

/** HandshakeResponse41, without a password. */
function login(sequence: number, user: string): Uint8Array {
  const head = Buffer.alloc(4 + 32)
  head.writeUInt32LE(CAPABILITIES, 4)
  head.writeUInt32LE(LARGEST_PACKET, 8)
  head.writeUInt8(UTF8, 12)
  const packet = Buffer.concat([head, Buffer.from(`${user}\0`), Buffer.alloc(1)])
  packet.writeUIntLE(packet.length - 4, 0, 3)
  packet.writeUInt8(sequence & 0xff, 3)
  return packet
}

const noPassword = (sequence: number): Uint8Array => Uint8Array.of(0, 0, 0, sequence & 0xff)

/** A length of three bytes, a number, and as many bytes; never empty where one is waited for. */
export function takePacket(bytes: Buffer): Taken<Packet> {
  if (bytes.length < 4) return undefined
  const end = 4 + bytes.readUIntLE(0, 3)
  if (bytes.length < end) return undefined
  return { value: { sequence: bytes.readUInt8(3), body: bytes.subarray(4, end) }, length: end }
}
