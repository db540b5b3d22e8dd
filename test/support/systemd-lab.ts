import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeStaleFolders, until } from './lab.ts'

const PREFIX = 'tanist-systemd-lab'
const SCRIPT = join(import.meta.dirname, 'systemd-lab.sh')
/** Where a program is looked for inside: npm's installation first, as systemd does. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** A boot takes a second on an idle machine. */
const BOOT_MS = 30_000

/** What a command inside came to. */
export interface Outcome {
  readonly status: number | null
  readonly output: string
  /** Standard error. */
  readonly errors: string
}

/** This machine's systemd, booted in namespaces. It ends with `destroy`, or with this process. */
export class SystemdLab {
  readonly #directory: string
  readonly #process: ChildProcess
  #pid: number | undefined

  private constructor(directory: string, prepare: string) {
    this.#directory = directory
    const script = join(directory, 'prepare.sh')
    writeFileSync(script, `#!/bin/bash\nset -euo pipefail\nroot=$1\n${prepare}`, { mode: 0o755 })
    mkdirSync(join(directory, 'root'))
    const log = openSync(join(directory, 'log'), 'a')
    const args = ['--pdeathsig', 'KILL', SCRIPT, join(directory, 'root'), script]
    this.#process = spawn('setpriv', args, { stdio: ['ignore', 'pipe', log] })
    this.#process.stdout?.once('data', (line: Buffer) => (this.#pid = Number(line.toString().split('\n')[0])))
    this.#process.stdout?.resume()
  }

  /** Boots; `prepare` is a shell script that finds the new root in `$root`. */
  static async boot(prepare: string): Promise<SystemdLab> {
    removeStaleFolders(PREFIX) // of labs that have ended with their owner, which was killed
    const lab = new SystemdLab(mkdtempSync(join(tmpdir(), `${PREFIX}-${process.pid}-`)), prepare)
    await until(
      'systemd to boot',
      () => {
        if (lab.#process.exitCode !== null) throw new Error(`systemd did not boot:\n${lab.log()}`)
        return lab.#pid !== undefined && /^(running|degraded)$/m.test(lab.run('systemctl', 'is-system-running').output)
      },
      BOOT_MS,
    )
    return lab
  }

  /** The number of its process 1, as the machine sees it. */
  get pid(): number {
    if (this.#pid === undefined) throw new Error('systemd has not booted')
    return this.#pid
  }

  /** Runs a command inside. */
  run(...command: readonly [string, ...string[]]): Outcome {
    const args = ['--target', String(this.pid), '--all', '--root', '--wd', '--', ...command]
    const { status, stdout, stderr } = spawnSync('nsenter', args, { encoding: 'utf8', env: { PATH: SYSTEM_PATH } })
    return { status, output: stdout, errors: stderr }
  }

  /** The same with a shell script; throws when it fails. */
  shell(script: string): string {
    const { status, output, errors } = this.run('/bin/bash', '-ec', script)
    if (status !== 0) throw new Error(`exit status ${status}: ${script}\n${output}${errors}`)
    return output.trim()
  }

  /** A property of a unit, as `systemctl show` prints it. */
  property(unit: string, name: string): string {
    return this.shell(`systemctl show --value -p ${name} ${unit}`)
  }

  log(): string {
    return readFileSync(join(this.#directory, 'log'), 'utf8')
  }

  async destroy(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    if (this.#pid !== undefined) process.kill(this.#pid, 'SIGKILL')
    else this.#process.kill('SIGKILL')
    await ended
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/**
 * A shell script that installs the built package below `$root`, as `npm install --global` does: the files of `npm pack`, what
 * it depends on, links to its programs, and the Node that runs this.
 */
export function installation(packed: string): string {
  const repository = join(import.meta.dirname, '../..')
  const npm = (...args: readonly string[]) => execFileSync('npm', args, { cwd: repository, encoding: 'utf8' })
  npm('pack', '--silent', '--ignore-scripts', '--pack-destination', packed)
  const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    name: string
    version: string
    bin: Record<string, string>
  }
  const [, ...dependencies] = npm('ls', '--omit=dev', '--all', '--parseable').trim().split('\n')
  const to = '$root/usr/local/lib/node_modules/tanist'
  const links = Object.entries(manifest.bin).map(
    ([name, path]) => `chmod +x ${to}/${path}; ln -sfn ../lib/node_modules/tanist/${path} $root/usr/local/bin/${name}`,
  )
  return [
    `mkdir -p ${to}`,
    `tar xzf ${join(packed, `${manifest.name}-${manifest.version}.tgz`)} --strip-components=1 -C ${to}`,
    `cd ${repository}`,
    `cp -a --parents ${dependencies.map((path) => path.slice(repository.length + 1)).join(' ')} ${to}`,
    `cp ${process.execPath} $root/usr/local/bin/node`,
    ...links,
  ].join('\n')
}
