import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const REPOSITORY = join(import.meta.dirname, '../..')
const BIN = join(REPOSITORY, 'dist/bin')
const directory = mkdtempSync(join(tmpdir(), 'tanist-lacking-'))
afterAll(() => rmSync(directory, { recursive: true }))

const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
  bin: Record<string, string>
  engines: { node: string }
}
const programs = ['tanistd', 'tanist', 'tanist-ipvsadm']

describe('on a Node that is too old, every program says so in one sentence', () => {
  beforeAll(() => {
    mkdirSync(join(directory, 'dist/bin'), { recursive: true })
    for (const name of ['launch', ...programs])
      copyFileSync(join(BIN, `${name}.js`), join(directory, `dist/bin/${name}.js`))
    writeFileSync(
      join(directory, 'package.json'),
      JSON.stringify({ ...manifest, type: 'module', engines: { node: '>=99.1.0' } }),
    )
  })

  test.each(programs)('%s', (program) => {
    for (const option of ['--help', '-t', '--nonsense']) {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(directory, `dist/bin/${program}.js`), option],
        {
          encoding: 'utf8',
        },
      )
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
      expect(stderr).toBe(
        `${program} needs Node.js 99.1.0 or later, but ${process.execPath} is ${process.versions.node}; see docs/installing.md\n`,
      )
    }
  })

  // Debian's or another system's own Node, where it is an old one.
  const system = '/usr/bin/node'
  const isOld =
    existsSync(system) && Number(execFileSync(system, ['-p', 'process.versions.node']).toString().split('.')[0]) < 22
  test.skipIf(!isOld).each(programs)('%s, by the old Node that this system has', (program) => {
    const { status, stderr } = spawnSync(system, [join(BIN, `${program}.js`), '--help'], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        /^tanist\S* needs Node\.js 22\.19\.0 or later, but \/usr\/bin\/node is \S+;[^\n]*\n$/,
      ),
    })
  })
})

describe('without libbpf', () => {
  const file = join(REPOSITORY, 'conf/nat.conf')
  const sentence = 'the library libbpf.so.1 is not on this host: install libbpf1'
  /** Runs tanistd where an empty file lies over the library. */
  const tanistd = (...args: readonly string[]) => {
    const [, path = ''] = /libbpf\.so\.1 .*=> (\S+)/.exec(execFileSync('ldconfig', ['-p']).toString()) ?? []
    const script = `mount --bind ${join(directory, 'empty')} ${realpathSync(path)} && exec "$@"`
    const command = ['sh', '-c', script, 'sh', process.execPath, join(BIN, 'tanistd.js'), ...args]
    writeFileSync(join(directory, 'empty'), '')
    return spawnSync('unshare', ['--mount', '--net', '--', ...command], { encoding: 'utf8' })
  }

  test('a file can be checked', () => expect(tanistd('-t', file)).toMatchObject({ status: 0, stderr: '' }))

  test('-t --host names the package', () => {
    const { status, stderr } = tanistd('-t', '--host', file)
    expect({ status, stderr }).toEqual({
      status: 5,
      stderr: expect.stringContaining(`error[host-program]: ${sentence}`),
    })
  })

  test('the daemon ends with the sentence', () => {
    const { status, stdout, stderr } = tanistd('-f', file, '--name', 'lacking', '--socket', join(directory, 'x.sock'))
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
    expect(stdout.split('\n').map((line) => (line === '' ? '' : (JSON.parse(line) as { msg: string }).msg))).toEqual([
      sentence,
      '',
    ])
  })
})
