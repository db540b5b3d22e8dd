import koffi from 'koffi'

/**
 * Memory that does not move and whose address is known, for structs that point at each other. It is never given back: for what a
 * process has once.
 */
export class NativeMemory {
  readonly address: bigint
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(size: number) {
    const memory = koffi.alloc('uint8_t', size)
    const buffer = koffi.view(memory, size)
    this.address = koffi.address(memory)
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
  }
}
