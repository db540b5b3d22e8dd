import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { PINNED_MAPS } from '../../src/forward/ebpf/pins.ts'

/** How the C of the forwarding core hangs together: by its text, and by what the compiler says of each header alone. */
const FOLDER = join(import.meta.dirname, '../../src/forward/ebpf/bpf')
const MOST_CODE_LINES = 400
/** As many as BPF passes in registers. */
const MOST_PARAMETERS = 5

interface Source {
  readonly name: string
  /** Without comments and strings. */
  readonly code: string
  /** Our own headers. */
  readonly includes: readonly string[]
}

const withoutComments = (text: string) =>
  text.replaceAll(/\/\*.*?\*\//gs, (comment) => comment.replaceAll(/[^\n]/g, ''))

function read(name: string): Source {
  const text = withoutComments(readFileSync(join(FOLDER, name), 'utf8'))
  const includes = [...text.matchAll(/^#include "(.*)"$/gm)].map(([, header = '']) => header)
  return { name, code: text.replaceAll(/"[^"\n]*"/g, '""'), includes }
}

const sources = readdirSync(FOLDER)
  .filter((name) => /\.[ch]$/.test(name))
  .map(read)
const headers = sources.filter(({ name }) => name.endsWith('.h'))
const byName = new Map(sources.map((source) => [source.name, source]))

/** All that a file gives a name to, as it is written where it is used. */
function definedIn({ code }: Source): string[] {
  const defined: string[] = []
  const all = (pattern: RegExp, as: (name: string) => string) => {
    for (const [, name = ''] of code.matchAll(pattern)) defined.push(as(name))
  }
  all(/^#define (\w+)/gm, (name) => name)
  all(/^(?:struct|union|enum) (\w+) \{/gm, (name) => `struct ${name}`)
  all(/^\} (\w+) SEC\("/gm, (name) => `&${name}`)
  all(/^IN_CHUNKS\((\w+),/gm, (name) => `&${name}`)
  all(/^IN_CHUNKS\((\w+),/gm, (name) => `&first_${name}`)
  all(/^(?:static|__noinline)[^;{=]*?(\w+)\(/gm, (name) => `${name}(`)
  all(/^static const [\w ]+?(\w+)\[/gm, (name) => `${name}[`)
  for (const [, constants = ''] of code.matchAll(/^enum \w+ \{(.*?)\}/gms)) {
    defined.push(...constants.split(',').flatMap((constant) => constant.trim().match(/^\w+/) ?? []))
  }
  const gone = new Set([...code.matchAll(/^#undef (\w+)/gm)].map(([, name]) => name))
  return defined.filter((name) => !gone.has(name) && !name.startsWith('TANIST_'))
}

const escaped = (name: string) => name.replaceAll(/[&([]/g, String.raw`\$&`)
const mentions = (code: string, name: string) =>
  new RegExp(
    `${/^\w/.test(name) ? String.raw`(?<![\w>.])` : ''}${escaped(name)}${/\w$/.test(name) ? String.raw`\b` : ''}`,
  ).test(code) ||
  // A callback is named without being called.
  (name.endsWith('(') && new RegExp(String.raw`(?<![\w>.&])${name.slice(0, -1)}\b(?=, )`).test(code))

/** A circle of includes that a file is on the way to, as names. */
function circleFrom(name: string, way: readonly string[] = []): readonly string[] | undefined {
  if (way.includes(name)) return [...way.slice(way.indexOf(name)), name]
  for (const next of byName.get(name)?.includes ?? []) {
    const circle = circleFrom(next, [...way, name])
    if (circle !== undefined) return circle
  }
  return undefined
}

test('no header includes itself by way of others', () => {
  expect(sources.map(({ name }) => circleFrom(name)).filter((circle) => circle !== undefined)).toEqual([])
})

test('every file includes the headers whose names it uses, and no others', () => {
  const names = headers.map((header) => ({ header: header.name, defined: definedIn(header) }))
  expect(names.filter(({ defined }) => defined.length === 0)).toEqual([])
  const used = sources.map(({ name, code }) => [
    name,
    names
      .filter(({ header, defined }) => header !== name && defined.some((one) => mentions(code, one)))
      .map(({ header }) => header)
      .toSorted(),
  ])
  expect(sources.map(({ name, includes }) => [name, includes.toSorted()])).toEqual(used)
})

test('a name is defined in one header only', () => {
  const all = headers.flatMap((header) => definedIn(header).map((name) => [name, header.name] as const))
  const twice = [...Map.groupBy(all, ([name]) => name)].filter(([, places]) => places.length > 1)
  expect(twice).toEqual([])
})

test('the file with the entry points says of every header what it is for', () => {
  const map = readFileSync(join(FOLDER, 'tanist.bpf.c'), 'utf8').split('#include')[0] ?? ''
  expect(headers.map(({ name }) => name).filter((name) => !new RegExp(`(?<![-\\w])${name}`).test(map))).toEqual([])
})

test('maps.h has the maps that are pinned, and no others', () => {
  const maps = definedIn(read('maps.h')).flatMap((name) => (name.startsWith('&') ? [name.slice(1)] : []))
  expect(maps.toSorted()).toEqual([...PINNED_MAPS].toSorted())
})

test(`no file has more than ${MOST_CODE_LINES} lines of code`, () => {
  const long = sources.filter(
    ({ code }) => code.split('\n').filter((line) => line.trim() !== '').length > MOST_CODE_LINES,
  )
  expect(long.map(({ name }) => name)).toEqual([])
})

test(`no function has more than ${MOST_PARAMETERS} parameters`, () => {
  const many = sources.flatMap(({ code }) =>
    [...code.matchAll(/^(?:static|__noinline)[^;{=(]*?(\w+)\(([^)]*)\)/gm)].flatMap(([, name = '', parameters = '']) =>
      parameters.split(',').length > MOST_PARAMETERS ? [name] : [],
    ),
  )
  expect(many).toEqual([])
})

describe('each header compiles by itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tanist-includes-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  // The flags that the programs are built with.
  const flags =
    readFileSync(join(FOLDER, 'build.sh'), 'utf8')
      .match(/(?<=clang ).*(?= "-I)/)?.[0]
      .split(' ') ?? []
  const machine = spawnSync('uname', ['-m'], { encoding: 'utf8' }).stdout.trim()

  test.each(headers.map(({ name }) => name))('%s', (name) => {
    const file = join(folder, `${name}.c`)
    writeFileSync(file, `#include "${name}"\n`)
    const run = spawnSync(
      'clang',
      [...flags, `-I/usr/include/${machine}-linux-gnu`, `-I${FOLDER}`, '-fsyntax-only', file],
      { encoding: 'utf8' },
    )
    expect(run.stderr).toBe('')
    expect(run.status).toBe(0)
  })
})
