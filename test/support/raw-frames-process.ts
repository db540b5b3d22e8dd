/** Sends the frames that it is told, in base64, by eth0; says when they are out. */
import { FrameSender } from '../../src/linux/frame-sender.ts'
import { Rtnetlink } from '../../src/linux/rtnetlink.ts'

const link = new Rtnetlink().links().find(({ name }) => name === 'eth0')
if (link === undefined) throw new Error('this host has no eth0')
const sender = new FrameSender()
process.on('message', (frames: readonly string[]) => {
  for (const frame of frames) {
    const error = sender.send(link.index, Buffer.from(frame, 'base64'))
    if (error !== undefined) throw error
  }
  process.send?.('sent')
})
process.send?.('ready')
