import { Rtnetlink } from './rtnetlink.ts'
import { AF_PACKET, Socket, SOCK_RAW } from './socket.ts'

const ETH_P_ALL = 0x0003
const SOL_PACKET = 263
const PACKET_IGNORE_OUTGOING = 23
/**
 * Before each frame stands what its sender has left to the network card (`struct virtio_net_hdr`): a checksum that is not computed yet, a
 * long segment that is not cut yet. Passed on as it came, it is done where the frame arrives.
 */
const PACKET_VNET_HDR = 15
export const VNET_HEADER = 10

/** An interface that a program has in place of a cable: it receives what comes in by it, and sends whole Ethernet frames. */
export interface WireEnd {
  readonly socket: Socket
  /** Where `socket` sends to. */
  readonly address: Uint8Array
}

/** `withHeaders`: each frame has VNET_HEADER bytes in front, received and sent. Throws when there is no such interface, or SystemError. */
export function openWireEnd(name: string, withHeaders: boolean): WireEnd {
  const link = new Rtnetlink().links().find((each) => each.name === name)
  if (link === undefined) throw new Error(`there is no interface ${name}`)
  const socket = new Socket('packet socket', AF_PACKET, SOCK_RAW, 0)
  socket.setOption(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
  if (withHeaders) socket.setOption(SOL_PACKET, PACKET_VNET_HDR, 1)
  const address = Buffer.alloc(20) // struct sockaddr_ll
  address.writeUInt16LE(AF_PACKET)
  address.writeUInt16BE(ETH_P_ALL, 2)
  address.writeInt32LE(link.index, 4)
  socket.bind(address)
  return { socket, address }
}
