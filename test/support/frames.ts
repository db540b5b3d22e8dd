import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Lab } from './lab.ts'

/** Compiles `generator.bpf.c` into the folder of a lab. Returns the object's path. */
export function compileFrames(lab: Lab): string {
  const object = join(lab.directory, 'generator.o')
  const include = `-I/usr/include/${execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()}-linux-gnu`
  const source = join(import.meta.dirname, 'generator.bpf.c')
  execFileSync('clang', ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', include, '-c', source, '-o', object])
  return object
}

export function linkOf(lab: Lab, host: string, device: string): { readonly ifindex: number; readonly address: string } {
  const [link] = JSON.parse(lab.run(host, ['ip', '-j', 'link', 'show', 'dev', device])) as [
    { ifindex: number; address: string },
  ]
  return link
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
