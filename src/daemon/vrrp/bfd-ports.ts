import type { BfdSession } from '../../model/bfd.ts'
import { SystemError } from '../../linux/libc.ts'
import { type Family, familyOf, UdpReceiver, UdpSender } from '../../linux/udp-socket.ts'
import type { BfdDatagram } from '../../bfd/receive.ts'

/** UDP ports that BFD comes in by: on one link (RFC 5881 §4), and over routers (RFC 5883 §5). */
const SINGLE_HOP = 3784
const MULTIHOP = 4784
const portOf = (multihop: boolean) => (multihop ? MULTIHOP : SINGLE_HOP)

/** Ports that sessions may send from (RFC 5881 §4). */
const FIRST_SOURCE_PORT = 49_152
const LAST_SOURCE_PORT = 65_535
/** BOUNDED: ports that are tried for one session; other programs may have some. */
const TRIES = 64

/** BOUNDED: what one turn takes from a port. A flood then cannot keep the clock from its turn. */
const PACKETS_IN_A_TURN = 1000

/** The ports that packets come in by: one for each family and kind of session that there is. */
export class BfdReceivers {
  readonly #receivers = new Map<string, { readonly multihop: boolean; readonly receiver: UdpReceiver }>()

  /** Opens and closes until there is what these need. Returns what could not be opened. */
  follow(sessions: readonly BfdSession[]): readonly SystemError[] {
    const needed = new Map(
      sessions.map(({ neighbour, multihop }): [string, { family: Family; multihop: boolean }] => {
        const family = familyOf(neighbour)
        return [`${family} ${portOf(multihop)}`, { family, multihop }]
      }),
    )
    for (const [key, { receiver }] of this.#receivers) {
      if (needed.has(key)) continue
      receiver.close()
      this.#receivers.delete(key)
    }
    return [...needed].flatMap(([key, { family, multihop }]): SystemError[] => {
      if (this.#receivers.has(key)) return []
      try {
        this.#receivers.set(key, { multihop, receiver: new UdpReceiver(family, portOf(multihop)) })
        return []
      } catch (error) {
        if (error instanceof SystemError) return [error]
        throw error
      }
    })
  }

  get fds(): readonly number[] {
    return [...this.#receivers.values()].map(({ receiver }) => receiver.fd)
  }

  /** The packets that wait. What is left after this turn wakes the next one. */
  *receive(): Generator<BfdDatagram> {
    for (const { multihop, receiver } of this.#receivers.values()) {
      for (let i = 0; i < PACKETS_IN_A_TURN; i++) {
        const datagram = receiver.receive()
        if (datagram === undefined) break
        yield { ...datagram, multihop }
      }
    }
  }

  close(): void {
    this.follow([])
  }
}

/**
 * A port that only this session sends from, `wanted` if it can be had. Throws SystemError. `taken`: by other sessions of this process.
 */
export function openSender(
  { neighbour, source, multihop, ttl }: BfdSession,
  wanted: number | undefined,
  taken: ReadonlySet<number>,
): { readonly port: number; readonly sender: UdpSender } {
  let port = wanted ?? randomPort()
  for (let tried = 1; ; tried++) {
    try {
      if (!taken.has(port)) {
        const sender = new UdpSender({ source, port }, { address: neighbour, port: portOf(multihop) })
        sender.setTtl(ttl)
        return { port, sender }
      }
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'EADDRINUSE' || tried >= TRIES) throw error
    }
    port = randomPort()
  }
}

const randomPort = () => FIRST_SOURCE_PORT + Math.floor(Math.random() * (LAST_SOURCE_PORT + 1 - FIRST_SOURCE_PORT))
