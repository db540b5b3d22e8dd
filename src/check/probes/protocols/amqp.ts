import { type Conversation, type Taken, WrongAnswer } from '../conversation.ts'
import { bad, type Finding, good } from '../finding.ts'

/** AMQP 0-9-1 §4.2.2: what a client begins with. */
const HEADER = Buffer.from('AMQP\0\0\u0009\u0001', 'latin1')
const METHOD_FRAME = 1
/** connection.start (§1.4.2.1 of the reference): class 10, method 10. */
const START = 0x000a_000a
const FRAME_HEAD = 7
const FRAME_END = 0xce

/** A frame, or the header by which a server names the version that it speaks. */
export type AmqpAnswer =
  | { readonly type: 'frame'; readonly kind: number; readonly payload: Buffer }
  | { readonly type: 'version'; readonly version: string }

/** The server opens the connection by connection.start. */
export async function askAmqp(conversation: Conversation): Promise<Finding> {
  conversation.send(HEADER)
  const answer = await conversation.receive('connection.start', takeAnswer)
  if (answer.type === 'version') return bad(`the server speaks AMQP ${answer.version}, not 0-9-1`)
  const { kind, payload } = answer
  if (kind !== METHOD_FRAME || payload.length < 6 || payload.readUInt32BE(0) !== START) {
    return bad('the answer is not connection.start')
  }
  return good(`connection.start of AMQP ${payload.readUInt8(4)}-${payload.readUInt8(5)}`)
}

export function takeAnswer(bytes: Buffer): Taken<AmqpAnswer> {
  if (bytes.subarray(0, 4).toString('latin1') === 'AMQP') {
    if (bytes.length < HEADER.length) return undefined
    return { value: { type: 'version', version: [...bytes.subarray(5, 8)].join('-') }, length: HEADER.length }
  }
  if (bytes.length < FRAME_HEAD) return undefined
  const end = FRAME_HEAD + bytes.readUInt32BE(3)
  if (bytes.length < end + 1) return undefined
  if (bytes[end] !== FRAME_END) throw new WrongAnswer('the answer is not a frame of AMQP')
  return {
    value: { type: 'frame', kind: bytes.readUInt8(0), payload: bytes.subarray(FRAME_HEAD, end) },
    length: end + 1,
  }
}
