import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { KEEPALIVED_OPTIONS, signalNumber, targetsOf, withoutEffect } from '../../src/cli/keepalived-options.ts'
import { type Options, tanistdProgram } from '../../src/cli/tanistd-options.ts'
import { onlyPart } from '../../src/config/part.ts'
import { readConfigFile, readPart } from '../../src/host/config-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'tanist-options-'))
afterAll(() => rmSync(directory, { recursive: true }))
const ROOT = join(import.meta.dirname, '../..')
const tanistd = (...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'dist/bin/tanistd.js'), ...args], { encoding: 'utf8' })
const keepalived = (...args: string[]) => spawnSync('keepalived', args, { encoding: 'utf8' })
/** Its manual page, with roff's marks of fonts and its escaped hyphens resolved. */
const page = () =>
  gunzipSync(readFileSync('/usr/share/man/man8/keepalived.8.gz'))
    .toString()
    .replace(/^\.SH NAMESPACES[^]*/m, '')
    .replace(/\\f./g, '')
    .replaceAll('\\-', '-')
    .replace(/^\.?\s*(?:B|BR)?\s*(?=-)/gm, '  ')

/** The options as this program understands them. */
function parsed(...args: string[]): Options {
  const program = tanistdProgram(1024)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  return program.parse(args, { from: 'user' }).opts<Options>()
}

/** Options that a help text or a manual page lists: what begins a line, both names. */
const listed = (text: string) =>
  [...text.matchAll(/^ {2,8}(-\w)?(?:, )?(--[a-z][\w-]*)/gm)].flatMap(([, short, long = '']) =>
    short === undefined ? [long] : [short, long],
  )

describe('every option of keepalived', () => {
  const help = listed(tanistd('--help').stdout)
  // tanistd's own names of these.
  const ours = new Set(['--help', '--config-id', '--version'])

  test.each([
    ['keepalived --help', keepalived('--help').stderr],
    ['keepalived(8)', page()],
  ])('that %s lists is in the help of tanistd', (_where, text) => {
    const theirs = listed(text)
    expect(theirs.length).toBeGreaterThan(30)
    expect(theirs.filter((option) => !help.includes(option) && !ours.has(option))).toEqual([])
  })

  test.each(KEEPALIVED_OPTIONS.map(({ flags, effect, parse }) => ({ flags, effect, parse })))(
    '$flags is taken: $effect',
    ({ flags }) => {
      const [names = '', value] = flags.split(/ (?=[<[])/)
      for (const name of names.split(', ')) {
        const given = name === '-u' || name === '--umask' || /facility/.test(flags) ? '7' : 'x'
        expect(() => parsed(name, ...(value === undefined ? [] : [given]))).not.toThrow()
      }
    },
  )

  test('short ones can stand together, as in the units of distributions', () => {
    expect(parsed('-lnDP', '-f', 'x')).toMatchObject({ logConsole: true, vrrp: true, file: 'x' })
  })

  test('an unknown one is refused', () => {
    expect(() => parsed('--nonsense')).toThrow("unknown option '--nonsense'")
    expect(tanistd('-Z')).toMatchObject({ status: 1, stderr: expect.stringContaining("unknown option '-Z'") })
  })
})

test.each(['STOP', 'RELOAD', 'DATA', 'STATS', 'STATS_CLEAR', 'JSON'])('--signum=%s is what keepalived says', (name) => {
  expect(`${signalNumber(name)}`).toBe(keepalived(`--signum=${name}`).stdout.trim())
  expect(tanistd(`--signum=${name}`)).toMatchObject({ status: 0, stdout: `${signalNumber(name)}\n`, stderr: '' })
})

test('--signum of another function is refused, as is -T', () => {
  expect(tanistd('--signum=constructor')).toMatchObject({ status: 1, stdout: '' })
  expect(tanistd('-T', '-s', '10.0.0.1')).toMatchObject({ status: 1, stderr: expect.stringContaining('md5sum') })
})

test('what has no effect is said, each with its reason', () => {
  expect(withoutEffect((name) => ['snmp', 'dontReleaseVrrp', 'vrrp', 'debug'].includes(name))).toEqual([
    '-V, --dont-release-vrrp has no effect: after a stop addresses stay until another master is heard, and go after some seconds without one',
    '-x, --snmp has no effect: there is no SNMP; ask `tanist status --json`',
    '--debug has no effect: TANIST_LOG=debug tells what all processes do',
  ])
})

test.each<[string[], object]>([
  [[], { console: true }],
  [['-l'], { console: true }],
  [['-G'], { console: true }],
  [['-S', '3'], { console: false, facility: 19 }],
  [['-S', 'local3', '-l'], { console: true, facility: 19 }],
  [['-S', 'daemon'], { console: false, facility: 3 }],
  [['-S', 'user', '-G'], { console: true }],
  [['-g', '/x.log'], { console: true, file: '/x.log' }],
  [['-g', '/x.log', '-G'], { console: false, file: '/x.log' }],
  [['-g', '/x.log', '-S', '0'], { console: false, facility: 16, file: '/x.log' }],
])('%j sends the log to %j', (args, targets) => {
  expect(targetsOf(parsed(...args))).toEqual(targets)
})

test.each(['8', 'local8', 'kern', ''])('-S %s is refused', (facility) => {
  expect(() => parsed('-S', facility)).toThrow('0 to 7, local0 to local7, user or daemon')
})

test.each<[string, number]>([
  ['022', 0o22],
  ['0', 0],
  ['18', 18],
  ['0x1f', 0x1f],
])('-u %s is a mask as C writes numbers', (text, mask) => {
  expect(parsed('-u', text).umask).toBe(mask)
})

test.each(['1000', '09', 'x', '-1'])('-u %s is refused', (text) => {
  expect(() => parsed(`--umask=${text}`)).toThrow('a number from 0 to 0777')
})

test('-P runs the election alone, -C the virtual servers alone', () => {
  const read = readConfigFile(join(ROOT, 'conf/nat.conf'), '')
  const config = 'loaded' in read ? read.loaded.config : undefined
  if (config === undefined) throw new Error('conf/nat.conf is refused')
  expect(config.instances.length * config.virtualServers.length).toBeGreaterThan(0)
  expect(onlyPart(config, 'all')).toBe(config)
  expect(onlyPart(config, 'vrrp')).toEqual({ ...config, virtualServers: [] })
  expect(onlyPart(config, 'check')).toEqual({ ...config, instances: [], syncGroups: [] })
})

test('-B and --no-bfd leave BFD out', () => {
  const file = join(directory, 'bfd.conf')
  writeFileSync(file, 'bfd_instance s {\n neighbor_ip 10.0.0.2\n}\n')
  expect([parsed('-B').no_bfd, parsed('--no_bfd').no_bfd, parsed('--no-bfd').bfd]).toEqual([true, true, false])
  const enabled = (bfd: boolean) => {
    const read = readPart({ file, configId: '', allConfig: false, part: 'all', bfd })
    return 'loaded' in read ? read.loaded.config?.bfdSessions.map((session) => session.enabled) : []
  }
  expect([enabled(true), enabled(false)]).toEqual([[true], [false]])
})

test('-e makes an error of an include that finds nothing', () => {
  const file = join(directory, 'include.conf')
  writeFileSync(file, 'include none-*.conf\n')
  const errors = (allIncluded: boolean) => {
    const read = readConfigFile(file, '', allIncluded)
    return 'loaded' in read ? read.loaded.diagnostics.filter(({ severity }) => severity === 'error').length : -1
  }
  expect([errors(false), errors(true)]).toEqual([0, 1])
  expect(tanistd('-t', '-f', file).status).toBe(0)
  expect(tanistd('-t', '-e', '-f', file)).toMatchObject({ status: 5, stderr: expect.stringContaining('none-*.conf') })
})
