import { type Conversation, type Taken, WrongAnswer } from '../conversation.ts'
import { bad, type Finding, good } from '../finding.ts'
import { shown } from '../shown.ts'

/** RFC 4511 §4.2: message 1, a bind to version 3 with no name and no password; §4.3: message 2, the end. */
const BIND = Buffer.from('300c020101600702010304008000', 'hex')
const UNBIND = Buffer.from('30050201024200', 'hex')
const SEQUENCE = 0x30
const INTEGER = 0x02
const BIND_RESPONSE = 0x61
const ENUMERATED = 0x0a
const OCTETS = 0x04

/** RFC 4511 §4.1.9, where it is not refused what was asked but who asks. */
const STRANGERS: ReadonlyMap<number, string> = new Map([
  [0, 'success'],
  [7, 'authMethodNotSupported'],
  [8, 'strongerAuthRequired'],
  [13, 'confidentialityRequired'],
  [48, 'inappropriateAuthentication'],
  [49, 'invalidCredentials'],
  [53, 'unwillingToPerform'],
])

/** The server answers an anonymous bind, also if it does not let anonymous users in. */
export async function askLdap(conversation: Conversation): Promise<Finding> {
  conversation.send(BIND)
  const message = await conversation.receive('the answer to the bind', takeElement)
  const { code, text } = bindResponse(message)
  conversation.send(UNBIND)
  const name = STRANGERS.get(code)
  const said = text === '' ? '' : `, ${shown(text)}`
  return name === undefined ? bad(`the answer to the bind is ${code}${said}`) : good(`${name}${said}`)
}

interface Element {
  readonly tag: number
  readonly content: Buffer
}

const NOT_LDAP = 'the answer to the bind is not that of LDAP'

/** The result and what is said about it. Throws WrongAnswer. */
export function bindResponse(message: Element): { readonly code: number; readonly text: string } {
  if (message.tag !== SEQUENCE) throw new WrongAnswer(NOT_LDAP)
  const [id, response] = elements(message.content)
  if (id?.tag !== INTEGER || response?.tag !== BIND_RESPONSE) throw new WrongAnswer(NOT_LDAP)
  const [result, , text] = elements(response.content)
  if (result?.tag !== ENUMERATED || result.content.length !== 1) throw new WrongAnswer(NOT_LDAP)
  return { code: result.content.readUInt8(0), text: text?.tag === OCTETS ? text.content.toString('latin1') : '' }
}

/** All that are whole. */
function elements(bytes: Buffer): readonly Element[] {
  const all: Element[] = []
  for (let rest = bytes; ;) {
    const taken = takeElement(rest)
    if (taken === undefined) return all
    all.push(taken.value)
    rest = rest.subarray(taken.length)
  }
}

/** BER (X.690) as RFC 4511 §5.1 restricts it: tags of one byte, definite lengths. Throws WrongAnswer. */
export function takeElement(bytes: Buffer): Taken<Element> {
  const [tag, first] = bytes
  if (tag === undefined || first === undefined) return undefined
  const more = first < 0x80 ? 0 : first - 0x80
  if (more > 4 || first === 0x80) throw new WrongAnswer(NOT_LDAP)
  const start = 2 + more
  if (bytes.length < start) return undefined
  const length = more === 0 ? first : bytes.readUIntBE(2, more)
  if (bytes.length < start + length) return undefined
  return { value: { tag, content: bytes.subarray(start, start + length) }, length: start + length }
}
