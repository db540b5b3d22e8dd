import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../support/lab.ts'

/** What a command said. */
export interface Said {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Behind each command its status on one output, and a mark on both. */
const SCRIPT = String.raw`while read -r line; do eval "$line"; printf '\0%s\0' $?; printf '\0' >&2; done`

/**
 * A shell on a host of a lab that runs commands one after the other. It forks quickly even where everything is emulated, which a large
 * process like that of the tests does not.
 */
export class Shell {
  readonly #child: ChildProcess
  readonly #input: string
  readonly #outputs = { stdout: '', stderr: '' }
  #answered: ((said: Said) => void) | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(lab: Lab, host: string) {
    this.#input = join(lab.directory, `${host}.input`)
    this.#child = lab.start(host, ['sh', '-c', SCRIPT], { stdio: 'pipe' })
    for (const name of ['stdout', 'stderr'] as const)
      this.#child[name]?.on('data', (data: Buffer) => {
        this.#outputs[name] += data.toString()
        this.#answer()
      })
  }

  /** Runs a command with this as its standard input. It never comes back when the shell ends with its lab. */
  run(words: readonly string[], input: string): Promise<Said> {
    const said = this.#last.then(() => {
      writeFileSync(this.#input, input)
      this.#child.stdin?.write(`${words.map((word) => `'${word}'`).join(' ')} <'${this.#input}'\n`)
      return new Promise<Said>((resolve) => (this.#answered = resolve))
    })
    this.#last = said
    return said
  }

  #answer(): void {
    const [stdout = '', status, ...more] = this.#outputs.stdout.split('\0')
    const [stderr = '', ...marks] = this.#outputs.stderr.split('\0')
    if (more.length === 0 || marks.length === 0) return
    for (const name of ['stdout', 'stderr'] as const) this.#outputs[name] = ''
    this.#answered?.({ status: Number(status), stdout, stderr })
  }
}
