import { BREAKAGES, type Breakage, type ResponderTask } from './responder-contract.ts'
import { TcpResponder } from './responder-tcp.ts'
import { UdpResponder } from './responder-udp.ts'

/** Opens sockets where they belong: `open` has opened them when it returns. */
export type Opening = (open: () => void) => void

/** One played real server, with all of its ports. */
export class Responder {
  readonly #task: ResponderTask
  readonly #parts: readonly (TcpResponder | UdpResponder)[]

  constructor(task: ResponderTask, opening: Opening = (open) => open()) {
    const { title, addresses, talks } = task
    this.#task = task
    this.#parts = [
      ...talks.tcp.map((port) => new TcpResponder(port, title, opening)),
      ...talks.udp.flatMap((port) => addresses.map((address) => new UdpResponder(port, address, opening))),
    ]
  }

  /** Rejects when it cannot. */
  async listen(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.listen()))
  }

  /** From the next connection, request or datagram on. */
  async break(how: Breakage): Promise<void> {
    if (!BREAKAGES.includes(how)) throw new Error(`a server is not broken by \`${how}\``)
    const { title, talks } = this.#task
    if (how === 'expired' && !talks.tcp.some(({ talk }) => talk === 'https')) {
      throw new Error(`${title} has no certificate`)
    }
    await Promise.all(this.#parts.map((part) => part.break(how)))
  }
}
