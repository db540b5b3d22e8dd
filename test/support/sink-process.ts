/** Counts frames that come in by an interface, and says how many there were when asked: sink-process.ts OBJECT IFINDEX PROGRAM */
import { BpfObject } from '../../src/linux/bpf-object.ts'
import { attachXdp, possibleCpus, u32 } from '../../src/linux/libbpf.ts'

const [object = '', ifindex, program = 'sink'] = process.argv.slice(2)
const loaded = new BpfObject(object, { reuse: new Map(), without: ['generate'] })
attachXdp(loaded.program(program), Number(ifindex))
process.on('message', () => {
  const values = new BigUint64Array(possibleCpus())
  loaded.map('seen').lookup(u32(0), new Uint8Array(values.buffer))
  process.send?.(Number(values.reduce((sum, n) => sum + n, 0n)))
})
process.send?.('ready')
