import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { linkOf } from './frames.ts'
import { type Lab, until } from './lab.ts'

/** Where the director tells that all has come that was to come: a port that nothing else uses. */
const END_PORT = 9

/** A host beside a director that sends made frames to it and sees what it sends, with addresses that no kernel answers for. */
export class FrameHost {
  readonly #lab: Lab
  readonly #director: string
  readonly #address: string
  readonly #macs: Buffer
  readonly #sender: ChildProcess
  readonly #senderEnds: Promise<unknown[]>
  #printed = ''
  #taken = 0
  #ends = 0

  private constructor(lab: Lab, director: string, address: string, macs: Buffer, sender: ChildProcess) {
    this.#lab = lab
    this.#director = director
    this.#address = address
    this.#macs = macs
    this.#sender = sender
    this.#senderEnds = once(sender, 'exit')
  }

  /** `device` is the director's interface to the host; what it sends to these addresses goes to the host's eth0. */
  static async start(
    lab: Lab,
    host: string,
    director: string,
    device: string,
    addresses: readonly [string, ...string[]],
  ): Promise<FrameHost> {
    const mac = (of: string, name: string) => linkOf(lab, of, name).address
    for (const address of addresses) {
      const neighbour = ['lladdr', mac(host, 'eth0'), 'dev', device] as const
      lab.run(director, ['ip', 'neigh', 'replace', address, ...neighbour])
    }
    const bytes = (text: string) => Buffer.from(text.replaceAll(':', ''), 'hex')
    const macs = Buffer.concat([bytes(mac(director, device)), bytes(mac(host, 'eth0'))])
    const sender = lab.fork(host, 'raw-frames-process.ts', [])
    await once(sender, 'message')
    const self = new FrameHost(lab, director, addresses[0], macs, sender)
    const about = addresses.map((address) => `dst host ${address}`).join(' or ')
    const command = ['tcpdump', '-l', '-n', '-xx', '--immediate-mode', '-Q', 'in', '-i', 'eth0', about] as const
    const tcpdump = lab.start(host, command, { stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    tcpdump.stderr?.on('data', (data: Buffer) => (errors += data.toString()))
    tcpdump.stdout?.on('data', (data: Buffer) => (self.#printed += data.toString()))
    await until('tcpdump to listen', () => errors.includes('listening on'))
    return self
  }

  /** Sends frames to the director, whose addresses of the link are filled in. */
  async send(frames: readonly Uint8Array[]): Promise<void> {
    const done = Promise.race([once(this.#sender, 'message') as Promise<unknown[]>, this.#senderEnds])
    this.#sender.send(frames.map((frame) => Buffer.concat([this.#macs, frame.subarray(12)]).toString('base64')))
    const [answer] = await done
    if (answer !== 'sent') throw new Error('the frames could not be sent')
  }

  /** What has come since the last time; it is complete when a last packet of the director's own has come. */
  async received(): Promise<Uint8Array[]> {
    const ends = ++this.#ends
    this.#lab.run(this.#director, ['bash', '-c', `echo end ${ends} >/dev/udp/${this.#address}/${END_PORT}`])
    const isEnd = (frame: Buffer) => frame.subarray(42).toString().startsWith(`end ${ends}\n`)
    const upTo = await until(
      'the last frame',
      () => {
        const at = this.#frames().findIndex(isEnd)
        return at < 0 ? undefined : { at }
      },
      120_000,
    )
    const frames = this.#frames().slice(this.#taken, upTo.at)
    this.#taken = upTo.at + 1
    return frames.map((frame) => Uint8Array.from(frame))
  }

  /** A packet's first line begins with the time, those with its bytes are indented. */
  #frames(): Buffer[] {
    const packets = this.#printed.split(/^(?=\d\d:\d\d:\d\d)/m).filter((text) => text.endsWith('\n'))
    return packets.map((text) => {
      const lines = [...text.matchAll(/^\t0x[0-9a-f]+: +([0-9a-f ]+)$/gm)]
      return Buffer.from(lines.map(([, hex = '']) => hex.replaceAll(' ', '')).join(''), 'hex')
    })
  }
}
