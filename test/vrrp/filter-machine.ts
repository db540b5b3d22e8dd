import { FROM_IP_HEADER, type Instruction, OP } from '../../src/net/packet-filter.ts'

/**
 * The kernel's classic BPF, as far as our programs use it (Linux: Documentation/networking/filter.rst). `packet` begins with the IP
 * header; the socket's own data begin at `start`. Answers with the bytes to keep.
 */
export function runFilter(program: readonly Instruction[], packet: Uint8Array, start: number): number {
  let [a, x] = [0, 0]
  const memory = new Uint32Array(16)
  for (let at = 0; ; at++) {
    const { code, jt, jf, k } = program[at] ?? outside()
    const byte = (offset: number) => packet[offset]
    switch (code) {
      case OP.loadByte: {
        const found = byte(k < 0 ? k - FROM_IP_HEADER : start + k)
        if (found === undefined) return 0
        a = found
        break
      }
      case OP.loadByteX: {
        const found = byte(start + x + k)
        if (found === undefined) return 0
        a = found
        break
      }
      case OP.loadLength:
        a = packet.length - start
        break
      case OP.loadNumber:
        a = k >>> 0
        break
      case OP.loadNumberX:
        x = k
        break
      case OP.loadHeaderLength:
        x = 4 * ((byte(start + k) ?? outside()) & 0xf)
        break
      case OP.copyToX:
        x = a
        break
      case OP.store:
        memory[k] = a
        break
      case OP.recall:
        a = memory[k] ?? outside()
        break
      case OP.subtractX:
        a = (a - x) >>> 0
        break
      case OP.and:
        a = (a & k) >>> 0
        break
      case OP.shiftRight:
        a >>>= k
        break
      case OP.shiftRightX:
        a >>>= x
        break
      case OP.ifEqual:
        at += a === k >>> 0 ? jt : jf
        break
      case OP.ifAtLeast:
        at += a >= k >>> 0 ? jt : jf
        break
      case OP.answer:
        return k >>> 0
      default:
        throw new Error(`unknown instruction ${code}`)
    }
  }
}

function outside(): never {
  throw new Error('outside of the program, or of its memory')
}
