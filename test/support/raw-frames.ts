import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { linkOf } from './frames.ts'
import type { Lab } from './lab.ts'

/** A host that sends whatever frames it is told to, to one of the interfaces of another host. */
export class RawFrames {
  readonly #sender: ChildProcess
  readonly #addresses: Buffer

  private constructor(sender: ChildProcess, addresses: Buffer) {
    this.#sender = sender
    this.#addresses = addresses
  }

  static async start(
    lab: Lab,
    host: string,
    to: { readonly host: string; readonly device: string },
  ): Promise<RawFrames> {
    const own = linkOf(lab, host, 'eth0')
    const macs = [linkOf(lab, to.host, to.device).address, own.address].map((mac) => mac.replaceAll(':', '')).join('')
    const sender = lab.fork(host, 'frames-process.ts', [String(own.ifindex)])
    await once(sender, 'message')
    return new RawFrames(sender, Buffer.from(macs, 'hex'))
  }

  /** The first twelve bytes, which are MACs, are replaced. Resolves when the frame is out. */
  async send(frame: Uint8Array): Promise<void> {
    const answer = once(this.#sender, 'message')
    this.#sender.send(Buffer.concat([this.#addresses, frame.subarray(12)]).toString('base64'))
    const [said] = (await answer) as [string]
    if (said !== 'sent') throw new Error(said)
  }
}
