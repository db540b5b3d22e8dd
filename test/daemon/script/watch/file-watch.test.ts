import {
  appendFileSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileWatcher } from '../../../../src/daemon/script/watch/file-watch.ts'
import type { FileTracker, TrackerResult } from '../../../../src/model/tracking.ts'
import { until } from '../../../support/lab.ts'

let folder: string
let watcher: FileWatcher
let results: TrackerResult[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tanist-watch-'))
  results = []
  watcher = new FileWatcher((news) => results.push(...news))
})
afterEach(() => {
  watcher.close()
  rmSync(folder, { recursive: true, force: true })
})

const file = (name: string) => join(folder, name)
const tracker = (path: string, init?: FileTracker['init']): FileTracker => ({ name: path, path: file(path), init })
const track = (...paths: string[]) =>
  watcher.configure(
    paths.map((path) => tracker(path)),
    true,
  )
const values = (name: string) =>
  results.flatMap((result) => (result.name === name && result.value.type === 'number' ? result.value.value : []))
/** Each is waited for, and nothing else was told. */
async function expectValues(name: string, expected: readonly number[]): Promise<void> {
  await until(
    `${expected.join(', ')} of ${name}, not ${values(name).join(', ')}`,
    () => values(name).length >= expected.length,
  )
  expect(values(name)).toStrictEqual(expected)
}

describe('a tracked file', () => {
  test('is read at once, when it is written, replaced, removed, and made again', async () => {
    writeFileSync(file('n'), '12\n')
    track('n')
    expect(results).toMatchObject([{ kind: 'file', name: 'n', value: { type: 'number', value: 12 } }])
    expect(results[0]?.detail).toBe(`12 in ${file('n')}`)
    writeFileSync(file('n'), '13\n')
    await expectValues('n', [12, 13])
    writeFileSync(file('new'), '-14\n')
    renameSync(file('new'), file('n'))
    await expectValues('n', [12, 13, -14])
    unlinkSync(file('n'))
    await expectValues('n', [12, 13, -14, 0])
    expect(results.at(-1)?.detail).toBe(`no file ${file('n')}`)
    writeFileSync(file('n'), '0x10')
    await expectValues('n', [12, 13, -14, 0, 16])
    renameSync(file('n'), file('away'))
    await expectValues('n', [12, 13, -14, 0, 16, 0])
    linkSync(file('away'), file('n'))
    await expectValues('n', [12, 13, -14, 0, 16, 0, 16])
  })

  test('is not read while somebody is writing it', async () => {
    writeFileSync(file('n'), '12')
    writeFileSync(file('other'), '1')
    track('n', 'other')
    const open = openSync(file('n'), 'w')
    writeSync(open, '1')
    writeFileSync(file('other'), '2')
    await expectValues('other', [1, 2])
    writeSync(open, '5')
    closeSync(open)
    await expectValues('n', [12, 15])
  })

  test('may have no directory yet, and may lose it', async () => {
    track('a/b/n')
    expect(values('a/b/n')).toStrictEqual([0])
    mkdirSync(file('a/b'), { recursive: true })
    writeFileSync(file('a/b/n'), '1')
    await expectValues('a/b/n', [0, 1])
    renameSync(file('a'), file('c'))
    await expectValues('a/b/n', [0, 1, 0])
    mkdirSync(file('a/b'), { recursive: true })
    writeFileSync(file('a/b/n'), '2')
    await expectValues('a/b/n', [0, 1, 0, 2])
    writeFileSync(file('c/b/n'), '3')
    writeFileSync(file('a/b/n'), '4')
    await expectValues('a/b/n', [0, 1, 0, 2, 4])
    rmSync(file('a'), { recursive: true })
    await expectValues('a/b/n', [0, 1, 0, 2, 4, 0])
  })

  test('may be a symbolic link, at any place of its path, that comes to lead elsewhere', async () => {
    for (const [version, value] of [
      ['v1', '1'],
      ['v2', '2'],
    ] as const) {
      mkdirSync(file(version))
      writeFileSync(file(`${version}/n`), value)
    }
    symlinkSync('v1', file('now'))
    symlinkSync(file('now/n'), file('n'))
    track('n')
    expect(values('n')).toStrictEqual([1])
    writeFileSync(file('v1/n'), '11')
    await expectValues('n', [1, 11])
    symlinkSync('v2', file('next'))
    renameSync(file('next'), file('now'))
    await expectValues('n', [1, 11, 2])
    writeFileSync(file('v1/n'), '12')
    writeFileSync(file('v2/n'), '22')
    await expectValues('n', [1, 11, 2, 22])
    unlinkSync(file('n'))
    symlinkSync('n', file('n'))
    await expectValues('n', [1, 11, 2, 22, 0])
  })

  test('keeps its number when there is one that is out of range, and says so', async () => {
    writeFileSync(file('n'), '5')
    track('n')
    writeFileSync(file('n'), '99999999999')
    await expectValues('n', [5, 5])
    expect(results.at(-1)?.detail).toBe(`99999999999 in ${file('n')} is out of range`)
    writeFileSync(file('n'), 'nothing')
    await expectValues('n', [5, 5, 0])
    expect(results.at(-1)?.detail).toBe(`no number in ${file('n')}`)
  })

  test('is a number at its beginning, however large it is, and nothing if it is no file', () => {
    writeFileSync(file('large'), '7 ')
    for (let i = 0; i < 64; i++) appendFileSync(file('large'), 'x'.repeat(1 << 20))
    track('large', '.')
    expect(results.map(({ value }) => value)).toMatchObject([{ value: 7 }, { value: 0 }])
    expect(results[1]?.detail).toContain('directory')
  })

  test('that is written all the time is read now and then, and its last number counts', async () => {
    writeFileSync(file('n'), '0')
    track('n')
    const start = performance.now()
    for (let i = 1; i <= 2000; i++) {
      writeFileSync(file('n'), `${i}`)
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await until('the last number', () => values('n').at(-1) === 2000)
    expect(values('n').length).toBeLessThanOrEqual((performance.now() - start) / 20 + 5)
  })
})

describe('the first number of a file', () => {
  const init = (value: number, overwrite = false) => ({ value, overwrite })

  test('is written at the start if the file is missing, and over what it holds if that is wished', () => {
    writeFileSync(file('kept'), '1')
    writeFileSync(file('overwritten'), '1')
    watcher.configure([tracker('new', init(5)), tracker('kept', init(5)), tracker('overwritten', init(-5, true))], true)
    expect(results.map(({ value }) => value)).toMatchObject([{ value: 5 }, { value: 1 }, { value: -5 }])
    expect(readFileSync(file('new'), 'utf8')).toBe('5\n')
  })

  test('is written over nothing later on', () => {
    writeFileSync(file('n'), '1')
    watcher.configure([tracker('n', init(5, true)), tracker('new', init(6, true))], false)
    expect(results.map(({ value }) => value)).toMatchObject([{ value: 1 }, { value: 6 }])
  })

  test('is said not to have been written where that is not possible', () => {
    watcher.configure([tracker('missing/n', init(5)), tracker('.', init(5, true))], true)
    expect(results.map(({ detail }) => detail.replace(/.*; /, ''))).toStrictEqual([
      'init_file: no such file or directory',
      'init_file: it is not a regular file',
    ])
  })
})

describe('another configuration', () => {
  test('leaves alone what stays, and forgets what goes', async () => {
    writeFileSync(file('stays'), '1')
    writeFileSync(file('goes'), '1')
    track('stays', 'goes')
    track('stays', 'comes')
    expect(results.map(({ name }) => name)).toStrictEqual(['stays', 'goes', 'comes'])
    writeFileSync(file('goes'), '2')
    writeFileSync(file('comes'), '3')
    writeFileSync(file('stays'), '4')
    await expectValues('stays', [1, 4])
    await expectValues('comes', [0, 3])
    expect(values('goes')).toStrictEqual([1])
  })
})
