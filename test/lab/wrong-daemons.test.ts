/**
 * The drill book finds what operators fear: in a copy of the daemon one thing is wrong, and a drill must say so. The right one
 * passes the same drills, so that it is no more than the fault that they find.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)
/** A drill takes up to two minutes, and as long again on a busy machine. */
const LIMIT_MS = 300_000

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tanist-wrong-'))
  folders.push(folder)
  return folder
}

interface Change {
  /** Compiled. */
  readonly file: string
  readonly from: string
  readonly to: string
}

/** An installation with one thing changed: its tanistd. */
function daemonWith({ file, from, to }: Change): string {
  const folder = temporary()
  for (const name of ['dist', 'package.json']) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const path = join(folder, 'dist', file)
  const text = readFileSync(path, 'utf8')
  expect(text.split(from), `${file} has this once: ${from}`).toHaveLength(2)
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
  return join(folder, 'dist/bin/tanistd.js')
}

interface Told {
  readonly ending: string
  readonly claims: readonly Judged[]
  readonly invariants: readonly Judged[]
  readonly events: readonly { readonly type: string; readonly step?: number; readonly text?: string }[]
}
interface Judged {
  readonly of: string
  readonly text: string
  readonly holds: boolean | null
}

/** What of a drill did not hold: claims as they are written, invariants by their names, and the step that it ended at. */
async function broken(drill: number, tanistd: readonly string[]): Promise<readonly string[]> {
  const json = join(temporary(), 'run.json')
  const options = ['drill', 'run', String(drill), '--json', json, ...tanistd]
  const ended = await run(process.execPath, [join(ROOT, 'dist/bin/tanist.js'), ...options], {
    timeout: LIMIT_MS,
  }).catch((error: unknown) => error as { readonly stdout: string; readonly stderr: string })
  let told: Told
  try {
    told = JSON.parse(readFileSync(json, 'utf8')) as Told
  } catch {
    throw new Error(`drill ${drill} was not run: ${ended.stdout}${ended.stderr}`)
  }
  const { claims, invariants, events, ending } = told
  const failed = events.find(({ type }) => type === 'failed')?.step
  const step = events.find((event) => event.type === 'begun' && event.step === failed)?.text
  return [
    ...claims.filter(({ holds }) => holds !== true).map(({ text }) => text),
    ...(ending === 'finished' ? [] : [step ?? ending]),
    ...invariants.filter(({ holds }) => holds === false).map(({ of }) => of),
  ]
}

const WRONG: readonly {
  readonly what: string
  readonly drill: number
  readonly change: Change
  readonly finds: readonly string[]
}[] = [
  {
    what: 'does not say where an address is',
    drill: 11,
    change: {
      file: 'daemon/vrrp/hands.js',
      from: 'this.#announcer.announce(effect.instance, effect.addresses, effect.repeat);',
      to: '',
    },
    finds: ['outage: takeover', 'outage: 1500 ms'],
  },
  {
    what: 'takes every server for good',
    drill: 36,
    change: {
      file: 'check/schedule.js',
      from: 'const failures = answer.up === true ? 0 : counting.failures + 1;',
      to: 'answer = { ...answer, up: true }; const failures = 0;',
    },
    finds: ['wait for: { server: { server: server 2, is: down, service: 1 }, within: detection + 1 s }'],
  },
  {
    what: 'never takes a server back',
    drill: 36,
    change: {
      file: 'check/schedule.js',
      from: 'const failures = answer.up === true ? 0 : counting.failures + 1;',
      to: 'if (!counting.up) answer = { ...answer, up: false }; const failures = answer.up === true ? 0 : counting.failures + 1;',
    },
    finds: ['wait for: { server: { server: server 2, is: up }, within: detection + 10 s }'],
  },
  {
    what: 'does not say goodbye',
    drill: 20,
    change: {
      file: 'daemon/vrrp/hands.js',
      from: 'this.#advertiser.send(instance, source, priority);',
      to: 'if (priority !== 0) this.#advertiser.send(instance, source, priority);',
    },
    finds: ['wait for: { master: standby, within: 5 s }'],
  },
  {
    what: 'keeps its addresses when another one is master',
    drill: 53,
    change: {
      file: 'daemon/vrrp/hands.js',
      from: 'this.#addresses.remove(effect.addresses, effect.scope);',
      to: '',
    },
    finds: ['two owners: 1500 ms'],
  },
  {
    what: 'takes all services out for a moment when it is reloaded',
    drill: 31,
    change: {
      file: 'forward/ebpf/ebpf-backend.js',
      from: 'applied = this.#core.apply(plan, hops, partly);',
      to: `this.#core.apply({ ...plan, services: [] }, hops, partly);
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
            applied = this.#core.apply(plan, hops, partly);`,
    },
    finds: ['lost: none'],
  },
]

describe('the drill book', () => {
  test.each([...new Set(WRONG.map(({ drill }) => drill))].map((drill) => [drill]))(
    'finds nothing in drill %i of the daemon as it is',
    async (drill) => {
      expect(await broken(drill, [])).toEqual([])
    },
    LIMIT_MS,
  )

  test.each(WRONG)(
    'finds a daemon that $what',
    async ({ drill, change, finds }) => {
      expect(await broken(drill, ['--tanistd', daemonWith(change)])).toEqual(expect.arrayContaining([...finds]))
    },
    LIMIT_MS,
  )
})
