import type { Instruction } from '../net/packet-filter.ts'
import { setPacketFilter } from './socket-filter.ts'
import { AF_PACKET, Socket, SOCK_RAW } from './socket.ts'

const ETH_P_ALL = 3
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33
const ROOM = 1 << 22

/** Whole Ethernet frames that come in by an interface or leave by it, as far as a filter keeps them, which sees them from their first byte on. */
export class FrameReceiver {
  readonly #socket: Socket

  /** Throws SystemError. */
  constructor(ifindex: number, filter: readonly Instruction[]) {
    // Nothing comes before it is bound.
    this.#socket = new Socket('packet socket', AF_PACKET, SOCK_RAW, 0)
    try {
      setPacketFilter(this.#socket, filter)
      this.#socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
      const address = new DataView(new ArrayBuffer(20)) // struct sockaddr_ll
      address.setUint16(0, AF_PACKET, true)
      address.setUint16(2, ETH_P_ALL)
      address.setInt32(4, ifindex, true)
      this.#socket.bind(new Uint8Array(address.buffer))
    } catch (error) {
      this.#socket.close()
      throw error
    }
  }

  get fd(): number {
    return this.#socket.fd
  }

  /** The next frame, or undefined when there is none. Throws SystemError. */
  receive(): Uint8Array | undefined {
    return this.#socket.receive()
  }

  close(): void {
    this.#socket.close()
  }
}
