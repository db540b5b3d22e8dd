import { randomInt } from 'node:crypto'
import { type Answer, decode, encode } from 'dns-packet'
import type { Check, DnsQuery } from '../../model/check.ts'
import { parseAddress } from '../../net/address.ts'
import type { Note } from '../steps.ts'
import { exchange } from './datagrams.ts'
import { bad, type Finding, good } from './finding.ts'
import { shown } from './shown.ts'

/** RFC 1035 §4.1.1: what every message begins with. */
const HEADER_LENGTH = 12
/**
 * BOUNDED: bytes of a message whose records are looked at. To a query without EDNS a server may send 512 (RFC 1035 §4.2.1); in the longest datagram
 * names that point to names that point to names would keep this process from its other checks for a third of a second.
 */
const LONGEST_READ = 4096
const RESPONSE = 0x8000
const TRUNCATED = 0x0200
const RECURSION_DESIRED = 0x0100
/** RFC 1035 §4.1.1 and RFC 2136 §1.3. */
const RCODES = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
] as const

/**
 * A query gets a response without an error code and, if asked, with the right record among its answers. As in keepalived, what is too
 * short, has another id or is no response is passed over, and only the header is looked at when no record is asked for, so that a
 * truncated response is good.
 */
export function probeDns(check: Extract<Check, { type: 'DNS_CHECK' }>, note?: Note): Promise<Finding> {
  const id = randomInt(0x1_0000)
  const { name, type, answer } = check.query
  note?.(`asks for ${type} of ${name}; good is ${answer ?? 'any response without an error'}`)
  return exchange(check, note, {
    request: encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type, name }] }),
    judge: (reply) => judgeReply(reply, id, check.query),
    silence(ignored) {
      const others = ignored === 0 ? '' : `; ${ignored} datagrams were no response to the query`
      return bad(`no answer within ${check.timeout / 1000} s${others}`)
    },
  })
}

/** What a datagram says; undefined when it is no response to the query with this id. */
export function judgeReply(reply: Uint8Array, id: number, { type, answer }: DnsQuery): Finding | undefined {
  if (reply.length < HEADER_LENGTH) return undefined
  const header = new DataView(reply.buffer, reply.byteOffset, HEADER_LENGTH)
  const flags = header.getUint16(2)
  if (header.getUint16(0) !== id || (flags & RESPONSE) === 0) return undefined
  const rcode = flags & 0xf
  if (rcode !== 0) return bad(`the server answers ${RCODES[rcode] ?? `with error ${rcode}`}`)
  const cut = (flags & TRUNCATED) === 0 ? '' : ', truncated'
  if (answer === undefined) return good(`answers ${header.getUint16(6)}${cut}`)
  if (reply.length > LONGEST_READ) return bad(`the response is longer than ${LONGEST_READ} bytes${cut}`)
  const texts = textsOf(reply, type)
  if (texts === undefined) return bad(`the response is malformed${cut}`)
  const wanted = comparable(answer)
  if (texts.some((text) => comparable(text) === wanted)) return good(`answer ${answer}${cut}`)
  const [first, ...more] = texts
  if (first === undefined) return bad(`no ${type} record in the response${cut}`)
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  return bad(`the answer is ${shown(first)}${others}, not ${answer}${cut}`)
}

/** The records of this type, as text; undefined when the message cannot be read. */
function textsOf(reply: Uint8Array, type: DnsQuery['type']): readonly string[] | undefined {
  try {
    const { answers = [] } = decode(Buffer.from(reply))
    // Behind the end dns-packet reads nothing as something.
    if (decode.bytes > reply.length) return undefined
    return answers.flatMap((record) => (record.type === type ? [textOf(record)] : []))
  } catch {
    return undefined
  }
}

/** What a zone file would have of the record's data that one would ask for. */
function textOf(record: Answer): string {
  if (record.type === 'MX') return record.data.exchange
  if (record.type === 'SOA') return record.data.mname
  if (record.type === 'TXT') return [record.data].flat().map(String).join('')
  if (record.type === 'DNSKEY') return record.data.key.toString('base64')
  if (record.type === 'RRSIG') return record.data.signersName
  return 'data' in record && typeof record.data === 'string' ? record.data : ''
}

/** Addresses by their value; names without the dot at the end; both, and other text, in small letters. */
const comparable = (text: string): string => parseAddress(text) ?? text.toLowerCase().replace(/(?<=.)\.$/, '')
