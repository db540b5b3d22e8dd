/** Sends Ethernet frames out of an interface: `frames-process.ts IFINDEX`; each message is one, as base64, and is answered when it is sent. */
import { FrameSender } from '../../src/linux/frame-sender.ts'

const ifindex = Number(process.argv[2])
const sender = new FrameSender()
process.on('message', (frame: string) => {
  const error = sender.send(ifindex, Buffer.from(frame, 'base64'))
  process.send?.(error?.message ?? 'sent')
})
process.send?.('ready')
