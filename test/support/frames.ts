import { once } from 'node:events'
import { join } from 'node:path'
import { compileBpf } from './compile.ts'
import type { Lab } from './lab.ts'

/** Compiles `generator.bpf.c` into the folder of a lab. Returns the object's path. */
export function compileFrames(lab: Lab): string {
  return compileBpf(lab, join(import.meta.dirname, 'generator.bpf.c'))
}

export function linkOf(lab: Lab, host: string, device: string): { readonly ifindex: number; readonly address: string } {
  const [link] = JSON.parse(lab.run(host, ['ip', '-j', 'link', 'show', 'dev', device])) as [
    { ifindex: number; address: string },
  ]
  return link
}

/** A cable from the first interface of a host to one of the director's, without a switch between. */
export function wire(
  lab: Lab,
  host: string,
  address: string,
  director: string,
  device: string,
  directorAddress: string,
): void {
  const peer = ['peer', 'name', device, 'netns', lab.directorName(director)] as const
  lab.run(host, ['ip', 'link', 'add', 'eth0', 'type', 'veth', ...peer])
  lab.run(host, ['ip', 'address', 'add', address, 'dev', 'eth0'])
  lab.run(host, ['ip', 'link', 'set', 'eth0', 'up'])
  lab.run(director, ['ip', 'address', 'add', directorAddress, 'dev', device])
  lab.run(director, ['ip', 'link', 'set', device, 'up'])
}

/** What is sent, and by how many clients. */
export interface Frames {
  readonly object: string
  /** The MAC. */
  readonly to: string
  readonly destination: string
  readonly flags: number
  readonly flows: number
  readonly packets: number
  /** The client that begins. */
  readonly first?: number
}

/** The command that sends frames out of an interface of a host. */
export function generatorCommand(lab: Lab, host: string, device: string, frames: Frames): [string, ...string[]] {
  const { object, to, destination, flags, flows, packets, first = 0 } = frames
  const script = join(import.meta.dirname, 'generator-process.ts')
  const words = [object, linkOf(lab, host, device).ifindex, to, destination, flags, flows, packets, first]
  return [process.execPath, script, ...words.map(String)]
}

/** Counts the frames that come in by an interface, by XDP; takes them or lets them pass. */
export class FrameCounter {
  readonly #child

  private constructor(child: ReturnType<Lab['fork']>) {
    this.#child = child
  }

  static async start(
    lab: Lab,
    object: string,
    host: string,
    device: string,
    program: 'sink' | 'pass',
  ): Promise<FrameCounter> {
    const child = lab.fork(host, 'sink-process.ts', [object, String(linkOf(lab, host, device).ifindex), program])
    await once(child, 'message')
    return new FrameCounter(child)
  }

  async count(): Promise<number> {
    const answer = once(this.#child, 'message')
    this.#child.send('count')
    return Number((await answer)[0])
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
