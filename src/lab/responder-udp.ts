import { createSocket, type Socket, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { isIP } from 'node:net'
import { type Answer, decode, encode, type Packet } from 'dns-packet'
import type { UdpPort } from '../drill/talks.ts'
import type { Opening } from './responder.ts'
import type { Breakage } from './responder-contract.ts'

/** How late one that is slow answers. */
const SLOW_MS = 2000
const SERVER_FAILURE = 2
const ANSWER_TTL = 60

/** There are no names: an address is itself, so that the socket is opened within `bind`. */
const AT_ONCE: NonNullable<SocketOptions['lookup']> = (address, _, found) => found(null, address, isIP(address))

/** One UDP port of a played real server at one address. */
export class UdpResponder {
  readonly #port: UdpPort
  readonly #address: string
  readonly #opening: Opening
  #socket: Socket | undefined
  #how: Breakage = 'ok'

  constructor(port: UdpPort, address: string, opening: Opening) {
    this.#opening = opening
    this.#port = port
    this.#address = address
  }

  async break(how: Breakage): Promise<void> {
    this.#how = how
    if (how !== 'refuse') await this.listen()
    else if (this.#socket !== undefined) {
      this.#socket.close()
      this.#socket = undefined
    }
  }

  /** Rejects when it cannot. */
  async listen(): Promise<void> {
    if (this.#socket !== undefined) return
    const type = this.#address.includes(':') ? 'udp6' : 'udp4'
    const socket = createSocket({ type, recvBufferSize: 1 << 20, lookup: AT_ONCE })
    this.#socket = socket
    socket.on('message', (data, { address, port }) => {
      const answer = this.#answer(data)
      if (answer === undefined) return
      // The socket may have been closed in between.
      const send = () => this.#socket === socket && socket.send(answer, port, address, () => {})
      if (this.#how === 'slow') setTimeout(send, SLOW_MS)
      else send()
    })
    const listening = once(socket, 'listening')
    this.#opening(() => socket.bind(this.#port.port, this.#address))
    await listening
    socket.on('error', () => {})
  }

  #answer(data: Buffer): Buffer | undefined {
    if (this.#how === 'silent') return undefined
    const question = this.#port.names.length === 0 ? undefined : questionIn(data)
    if (question !== undefined) return this.#nameAnswer(question)
    if (this.#how === 'error') return undefined
    const known = this.#port.replies.find(({ to }) => to.toLowerCase() === data.toString('hex'))
    const answer = known === undefined ? data : Buffer.from(known.reply, 'hex')
    return this.#how === 'wrong' ? Buffer.from(answer.map((byte) => byte ^ 0xff)) : answer
  }

  #nameAnswer({ id, questions }: Packet): Buffer {
    const [asked] = questions ?? []
    const isSame = (name: string) => name.replace(/\.$/, '').toLowerCase() === asked?.name.toLowerCase()
    const known = this.#port.names.find(({ name, type }) => type === asked?.type && isSame(name))
    const answers =
      asked === undefined || known?.answer === undefined || this.#how === 'wrong'
        ? []
        : answersOf(asked.name, known.type, known.answer)
    const head = { type: 'response', id: id ?? 0, questions: questions ?? [] } as const
    return encode({ ...head, flags: this.#how === 'error' ? SERVER_FAILURE : 0, answers })
  }
}

function questionIn(data: Buffer): Packet | undefined {
  try {
    const packet = decode(data)
    return packet.type === 'query' && packet.questions?.length === 1 ? packet : undefined
  } catch {
    return undefined
  }
}

/** The one answer that a check asks for, where it is of a kind that one value makes. */
function answersOf(name: string, type: string, value: string): Answer[] {
  switch (type) {
    case 'A':
    case 'AAAA':
    case 'NS':
    case 'CNAME':
      return [{ name, type, ttl: ANSWER_TTL, data: value }]
    case 'TXT':
      return [{ name, type, ttl: ANSWER_TTL, data: value }]
    case 'MX':
      return [{ name, type, ttl: ANSWER_TTL, data: { preference: 10, exchange: value } }]
    default:
      return []
  }
}
