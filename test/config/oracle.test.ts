import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { printSettings } from '../../src/config/print.ts'
import { positionOf, type Span } from '../../src/config/source.ts'
import { readConfigFile } from '../../src/host/config-file.ts'
import { Lab } from '../support/lab.ts'
import { DIFFERENCES } from './differences.ts'
import { mutate } from './mutations.ts'
import { samples } from './samples.ts'

const corpus = join(import.meta.dirname, 'corpus')
/** What keepalived complains of and runs; see field.test.ts. */
const field = join(import.meta.dirname, 'field')
const CONFIG_ID = 'main'
/** Changes of each file of the corpus. */
const MUTATIONS = 8

const lab = new Lab()
afterAll(() => lab.destroy())
beforeAll(() => {
  lab.addSwitch('lan')
  const ports = [1, 2, 3, 4].map((net) => ({ switch: 'lan', address: `192.168.${net}.5/24` }))
  lab.addHost('oracle', ports)
  for (const [a, b] of [
    ['bond0', 'br0'],
    ['eth0.10', 'eth0.20'],
  ] as const) {
    lab.run('oracle', ['ip', 'link', 'add', a, 'type', 'veth', 'peer', 'name', b])
    for (const [index, name] of [a, b].entries()) {
      lab.run('oracle', ['ip', 'link', 'set', name, 'up'])
      lab.run('oracle', ['ip', 'addr', 'add', `10.9${a.length}.${index}.1/24`, 'dev', name])
    }
  }
})

/** What keepalived says of a file: each message once. It works in the file's own folder, as its daemon does. */
function oracle(file: string): { status: number | null; accepted: boolean; messages: string[] } {
  const [command, ...args] = lab.enter('oracle', ['keepalived', '-i', CONFIG_ID, '-t', '-f', basename(file)])
  const { status, stderr, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000, cwd: dirname(file) })
  return { status, accepted: status === 0, messages: [...new Set(`${stderr}${stdout}`.split('\n').filter(Boolean))] }
}

/** What Tanist says of it: whether it is accepted, and the lines that it names, with those that an expansion was used in. */
function tanist(file: string): { accepted: boolean; messages: string[]; lines: Set<number> } {
  const read = readConfigFile(file, CONFIG_ID)
  if ('unreadable' in read) throw new Error(read.unreadable)
  const { diagnostics } = read.loaded
  const lines = new Set<number>()
  const add = (span: Span | undefined): void => {
    if (span === undefined) return
    if (span.source.name === file) lines.add(positionOf(span.source, span.start).line)
    add(span.expandedFrom)
    add(span.source.includedFrom)
  }
  for (const { at, code } of diagnostics) if (!/^(not-effective-yet|not-running|no-effect)$/.test(code)) add(at)
  return {
    accepted: diagnostics.every(({ severity }) => severity !== 'error'),
    messages: diagnostics.map((each) => formatDiagnostic(each)),
    lines,
  }
}

/** Where the two disagree on a file, or undefined. */
function disagreement(file: string): string | undefined {
  const theirs = oracle(file)
  const ours = tanist(file)
  const isMeant = (of: 'ours' | 'theirs' | 'elsewhere', text: string) =>
    DIFFERENCES.some((each) => each[of]?.test(text) === true)
  if (theirs.accepted) {
    if (ours.accepted) return undefined
    const errors = ours.messages.filter((message) => / error\[/.test(message) && !isMeant('ours', message))
    return errors.length === 0 ? undefined : `keepalived accepts, Tanist refuses:\n${errors.join('\n')}`
  }
  const complaints = theirs.messages.filter((message) => !isMeant('theirs', message))
  if (complaints.length === 0) return undefined
  if (ours.lines.size === 0) return `keepalived refuses, Tanist is silent:\n${complaints.join('\n')}`
  const [first] = complaints.filter((message) => !isMeant('elsewhere', message)).flatMap(lineOf)
  if (first === undefined || ours.lines.has(first)) return undefined
  const lines = [...ours.lines].join(', ')
  return `keepalived names line ${first} first, Tanist ${lines}:\n${complaints.join('\n')}\n--\n${ours.messages.join('\n')}`
}

/** The line that a message of keepalived names. */
function lineOf(message: string): number[] {
  const named = /^\((?:[^()]*: )?Line (\d+)\)/.exec(message)
  return named === null ? [] : [Number(named[1])]
}

const files = readdirSync(corpus).filter((name) => name.endsWith('.conf'))

describe('agreement with keepalived 2.2.7', () => {
  test(`the corpus has at least 60 files`, () => expect(files.length).toBeGreaterThanOrEqual(60))

  test.each(files)('both accept %s without complaint', (name) => {
    expect(oracle(join(corpus, name)).messages).toEqual([])
    expect(tanist(join(corpus, name)).messages.filter((message) => / error\[/.test(message))).toEqual([])
  })

  test.each(files)('keepalived accepts what --print-config makes of %s', (name) => {
    const read = readConfigFile(join(corpus, name), CONFIG_ID)
    if ('unreadable' in read) throw new Error(read.unreadable)
    const file = join(lab.directory, 'printed.conf')
    writeFileSync(file, printSettings(read.loaded.settings))
    expect(oracle(file).messages).toEqual([])
  })

  test.each(readdirSync(field))('keepalived runs %s, whatever it says of it', (name) => {
    // A fault of the file: 0 none, 5 something to say, 6 also no script security. What it does not run ends otherwise.
    expect([0, 5, 6]).toContain(oracle(join(field, name)).status)
  })

  test.each(samples())('both judge sample %s alike', (file) => {
    expect(disagreement(file)).toBeUndefined()
  })

  test('mutations of the corpus: the same verdict, and the same line', () => {
    const found: string[] = []
    let count = 0
    for (const [index, name] of files.entries()) {
      const text = readFileSync(join(corpus, name), 'utf8')
      if (/^include/m.test(text)) continue
      for (const { kind, text: mutated } of mutate(text, index + 1, MUTATIONS)) {
        const file = join(lab.directory, 'mutated.conf')
        writeFileSync(file, mutated)
        count++
        const different = disagreement(file)
        if (different !== undefined) found.push(`${name}, ${kind}: ${different}`)
      }
    }
    console.log(`${count} mutations compared`)
    expect(count).toBeGreaterThanOrEqual(400)
    expect(found.join('\n\n')).toBe('')
  }, 300_000)
})
