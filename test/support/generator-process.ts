/**
 * Sends frames out of an interface as fast as one CPU makes them (XDP live frames, kernel 5.18):
 *
 *     generator-process.ts OBJECT IFINDEX DESTINATION-MAC DESTINATION FLAGS FLOWS PACKETS FIRST-FLOW
 *
 * prints how many nanoseconds it took.
 */
import koffi from 'koffi'
import { BpfObject } from '../../src/linux/bpf-object.ts'
import { u32 } from '../../src/linux/libbpf.ts'
import { tcp } from '../bpf/packets.ts'

const BPF_F_TEST_XDP_LIVE_FRAMES = 2
const SOURCE = '10.1.0.0'
const run = koffi.load('libbpf.so.1').func('int bpf_prog_test_run_opts(int program, void *options)')

const [object = '', ifindex = '', mac = '', destination = '', flags, flows, packets, first] = process.argv.slice(2)
const loaded = new BpfObject(object, { reuse: new Map(), without: ['sink', 'pass'] })
// 64 bytes on the wire with the frame check sequence.
const frame = tcp({ source: [SOURCE, 0], destination: [destination, 80] }, Number(flags), 'x'.repeat(6))
frame.set(mac.split(':').map((byte) => Number.parseInt(byte, 16)))

// struct plan: u32 flows, next; the headers of Ethernet, IP and TCP; two bytes more
const plan = new Uint8Array(64)
plan.set(u32(Number(flows)))
plan.set(u32(Number(first)), 4)
plan.set(frame.subarray(0, 54), 8)
loaded.map('plan').update(u32(0), plan)

// struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex
const context = new Uint8Array(new Uint32Array([0, frame.length, 0, Number(ifindex), 0, 0]).buffer)
// struct bpf_test_run_opts, as in src/linux/libbpf.ts; then flags, cpu, batch_size
const options = Buffer.alloc(80)
options.writeBigUInt64LE(80n, 0)
options.writeBigUInt64LE(koffi.address(frame), 8)
options.writeUInt32LE(frame.length, 24)
options.writeBigUInt64LE(koffi.address(context), 32)
options.writeUInt32LE(context.length, 48)
options.writeInt32LE(Number(packets), 60)
options.writeUInt32LE(BPF_F_TEST_XDP_LIVE_FRAMES, 68)
options.writeUInt32LE(64, 76)
const start = process.hrtime.bigint()
const result: number = run(loaded.program('generate'), options)
const took = process.hrtime.bigint() - start
if (result !== 0) throw new Error(`the kernel does not run it: ${result}`)
process.stdout.write(`${took}\n`)
