import { AF_PACKET, Socket, SOCK_RAW } from './socket.ts'

/** Sends whole Ethernet frames; receives none. */
export class FrameSender {
  readonly #socket = new Socket('packet socket', AF_PACKET, SOCK_RAW, 0)

  send(ifindex: number, frame: Uint8Array): Error | undefined {
    const address = new DataView(new ArrayBuffer(20)) // struct sockaddr_ll
    address.setUint16(0, AF_PACKET, true)
    address.setInt32(4, ifindex, true)
    return this.#socket.send(frame, new Uint8Array(address.buffer))
  }

  close(): void {
    this.#socket.close()
  }
}
