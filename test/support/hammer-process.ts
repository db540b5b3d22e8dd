/**
 * Runs another daemon's core on a packet, over and over: `hammer-process.ts NAME TIMES`. Two of them on a machine of several processors
 * meet in the same tables, as packets of several queues do.
 */
import { Core } from '../../src/forward/ebpf/core.ts'
import { testRun } from '../../src/linux/libbpf.ts'
import { VIP } from '../bpf/bench.ts'
import { udp } from '../bpf/packets.ts'

const [name = '', times = ''] = process.argv.slice(2)
const { program } = new Core(name)
const packet = udp({ source: ['10.0.9.1', 5000], destination: [VIP, 53] })
process.once('message', () => {
  for (let i = 0; i < Number(times); i++) testRun(program, { packet })
  process.exit()
})
process.send?.('ready')
