/**
 * Classic BPF, the language of SO_ATTACH_FILTER (Linux: Documentation/networking/filter.rst): what the kernel asks of each packet before
 * a socket gets it. A program answers with the bytes to keep: 0 drops the packet.
 */
export interface Instruction {
  readonly code: number
  /** How many instructions to skip, if the comparison holds and if it does not. */
  readonly jt: number
  readonly jf: number
  readonly k: number
}

/** What is used here of <linux/filter.h>, by meaning. */
export const OP = {
  /** A = byte at k. */
  loadByte: 0x30,
  /** A = byte at X + k. */
  loadByteX: 0x50,
  /** A = length of what the socket would get. */
  loadLength: 0x80,
  /** A = k. */
  loadNumber: 0x00,
  /** X = 4 * (low half of the byte at k): the length of an IPv4 header. */
  loadHeaderLength: 0xb1,
  /** X = k. */
  loadNumberX: 0x01,
  /** X = A. */
  copyToX: 0x07,
  /** A = memory word k, and the other way round. */
  recall: 0x60,
  store: 0x02,
  subtractX: 0x1c,
  and: 0x54,
  shiftRight: 0x74,
  shiftRightX: 0x7c,
  ifEqual: 0x15,
  ifAtLeast: 0x35,
  answer: 0x06,
} as const

/** Added to an offset that counts from the IP header, wherever the socket's own data begins. */
export const FROM_IP_HEADER = -0x100000

/** A step of a program that is still to be put together: jumps go forward to labels. `yes` and `no` of nothing: the next step. */
export type ProgramStep =
  | { readonly op: number; readonly k: number; readonly yes?: string; readonly no?: string }
  | { readonly label: string }

/** Resolves the labels. Throws for a jump that is too long, or to a label that does not follow: a mistake in the program. */
export function assemble(steps: readonly ProgramStep[]): readonly Instruction[] {
  const places = new Map<string, number>()
  let count = 0
  for (const step of steps) {
    if ('label' in step) places.set(step.label, count)
    else count++
  }
  const instructions: Instruction[] = []
  const distance = (label: string | undefined) => {
    if (label === undefined) return 0
    const skipped = (places.get(label) ?? -1) - instructions.length - 1
    if (skipped < 0 || skipped > 255) throw new RangeError(`no way to ${label}`)
    return skipped
  }
  for (const step of steps) {
    if ('label' in step) continue
    instructions.push({ code: step.op, jt: distance(step.yes), jf: distance(step.no), k: step.k })
  }
  return instructions
}
