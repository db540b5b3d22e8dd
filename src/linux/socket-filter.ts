import type { Instruction } from '../net/packet-filter.ts'
import { NativeMemory } from './native-memory.ts'
import type { Socket } from './socket.ts'

const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
/** struct sock_filter. */
const INSTRUCTION = 8
/** BPF_MAXINSNS: the kernel takes no more. */
const LONGEST_PROGRAM = 4096

let program: NativeMemory | undefined

/** What a socket gets of what comes from now on. Throws SystemError. */
export function setPacketFilter(socket: Socket, filter: readonly Instruction[]): void {
  program ??= new NativeMemory(LONGEST_PROGRAM * INSTRUCTION)
  const { view, address } = program
  filter.forEach(({ code, jt, jf, k }, i) => {
    view.setUint16(i * INSTRUCTION, code, true)
    view.setUint8(i * INSTRUCTION + 2, jt)
    view.setUint8(i * INSTRUCTION + 3, jf)
    view.setUint32(i * INSTRUCTION + 4, k >>> 0, true)
  })
  const header = new DataView(new ArrayBuffer(16)) // struct sock_fprog
  header.setUint16(0, filter.length, true)
  header.setBigUint64(8, address, true)
  socket.setOption(SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(header.buffer))
}
