import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Lab, until } from './lab.ts'

/** All frames that pass a switch of a lab, in a file. */
export class Recording {
  readonly file: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, file: string) {
    this.#child = child
    this.file = file
  }

  static async start(lab: Lab, name: string): Promise<Recording> {
    const file = join(lab.directory, `${name}.pcap`)
    // The largest buffer that it takes without complaint: a burst of announcements comes faster than a busy machine writes.
    const command = ['tcpdump', '-Z', 'root', '-B', '32768', '-w', file, '-i', name] as const
    const child = lab.start('switch', command, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr?.on('data', (data: Buffer) => (said += data.toString()))
    await until('tcpdump to listen', () => said.includes('listening on'))
    return new Recording(child, file)
  }

  /** Resolves when the file is whole. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGINT')
    await ended
  }
}

/** What tshark calls its notes, warnings and errors, those of malformed packets among them. */
const COMPLAINTS = '_ws.expert.message'

/** A frame as tshark reads it: texts of fields, in their order where there are several of a name, and its complaints. */
export interface Dissected<Field extends string> {
  readonly fields: Readonly<Record<Field, readonly string[]>>
  readonly complaints: readonly string[]
}

/** Lets tshark read each frame of a file, with these of its preferences set. */
export function dissect<Field extends string>(
  file: string,
  fields: readonly Field[],
  preferences: readonly string[],
): readonly Dissected<Field>[] {
  const options = preferences.flatMap((each) => ['-o', each])
  const wanted = [COMPLAINTS, ...fields].flatMap((each) => ['-e', each])
  const form = ['-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=;']
  const text = execFileSync('tshark', ['-n', '-r', file, ...options, ...form, ...wanted], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    // It warns root of itself.
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const several = (value = '') => (value === '' ? [] : value.split(';'))
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const [complaints, ...values] = line.split('\t')
    const found = {} as Record<Field, readonly string[]>
    for (const [i, field] of fields.entries()) found[field] = several(values[i])
    return { complaints: several(complaints), fields: found }
  })
}
