import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { asNobody } from '../support/nobody.ts'

const directory = mkdtempSync(join(tmpdir(), 'tanist-cli-'))
afterAll(() => rmSync(directory, { recursive: true }))
const root = join(import.meta.dirname, '../..')
const run = (program: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/bin', program), ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const write = (name: string, text: string) => {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

describe('tanistd -t', () => {
  test('a good file: one line and 0', () => {
    const file = join(root, 'conf/nat.conf')
    expect(run('tanistd.js', '-t', file)).toEqual({ status: 0, stdout: `${file}: good\n`, stderr: '' })
  })

  test('a bad file: every error and 5', () => {
    const file = join(directory, 'bad.conf')
    writeFileSync(file, 'vrrp_instance a {\n  priority 300\n}\nfoo\n')
    const { status, stderr } = run('tanistd.js', '-t', file)
    expect(status).toBe(5)
    expect(stderr).toContain(`${file}:2:12: error[bad-value]: expected a whole number from 1 to 255, found \`300\``)
    expect(stderr).toContain(`${file}:4:1: error[unknown-keyword]`)
    expect(stderr).toMatch(/: 4 errors, 1 warning\n$/)
  })

  test('a missing file is named', () => {
    expect(run('tanistd.js', '-t', '/no/such/file')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('cannot read /no/such/file: no such file or directory'),
    })
  })
})

describe('tanistd -t --fix', () => {
  const text = 'global_defs {\n  lvs_id a\n}\ninclude part.inc\n'
  const part = 'virtual_server 10.0.0.9 80 {\n  protocol TCP\n  quorum 0\n  real_server 10.1.0.1 80 { }\n}\n'

  test('shows the corrections as a diff, of what is included, too, and changes nothing', () => {
    const file = write('fix.conf', text)
    const inner = write('part.inc', part)
    const { status, stdout, stderr } = run('tanistd.js', '-t', '--fix', file)
    expect(status).toBe(0)
    expect(stdout).toBe(
      `--- ${file}\n+++ ${file}\n@@ -1,4 +1,4 @@\n global_defs {\n-  lvs_id a\n+  router_id a\n }\n include part.inc\n` +
        `--- ${inner}\n+++ ${inner}\n@@ -1,5 +1,5 @@\n virtual_server 10.0.0.9 80 {\n   protocol TCP\n-  quorum 0\n+  quorum 1\n   real_server 10.1.0.1 80 { }\n }\n` +
        `${file}: good (2 warnings)\n`,
    )
    expect(stderr).toContain('2 corrections; --fix --write makes them\n')
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('--write makes them, with the mode and the owner that the file had, also behind a link', () => {
    const target = write('behind.conf', 'global_defs {\n  lvs_id a\n}\n')
    const file = join(directory, 'link.conf')
    symlinkSync('behind.conf', file)
    chmodSync(target, 0o640)
    chownSync(target, 12_345, 54_321)
    const { status, stdout } = run('tanistd.js', '-t', '--fix', '--write', file)
    expect({ status, last: stdout.split('\n').at(-2) }).toEqual({ status: 0, last: `${file}: good` })
    expect(readFileSync(target, 'utf8')).toBe('global_defs {\n  router_id a\n}\n')
    expect(lstatSync(file).isSymbolicLink()).toBe(true)
    const { mode, uid, gid } = statSync(target)
    expect({ mode: mode & 0o7777, uid, gid }).toEqual({ mode: 0o640, uid: 12_345, gid: 54_321 })
    expect(readdirSync(directory).filter((name) => name.includes('tanist-fix'))).toEqual([])
    expect(run('tanistd.js', '-t', '--fix', file)).toMatchObject({ status: 0, stdout: `${file}: good\n` })
  })

  test('a file that is not text as it was read is left as it was, and that is told', () => {
    const file = join(directory, 'latin.conf')
    const bytes = Buffer.from('# caf\u00e9\nglobal_defs {\n  lvs_id a\n}\n', 'latin1')
    writeFileSync(file, bytes)
    const { status, stderr } = run('tanistd.js', '-t', '--fix', '--write', file)
    expect(status).toBe(1)
    expect(stderr).toContain(`${file} is left as it was: it has changed since it was read, or is not UTF-8`)
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })

  test('goes with -t', () => {
    expect(run('tanistd.js', '--fix')).toMatchObject({ status: 1, stdout: '' })
    expect(run('tanistd.js', '-t', '--write')).toMatchObject({ status: 1, stdout: '' })
  })
})

describe('tanistd -t with other options', () => {
  test('a file whose protections do not run is accepted with a status of its own, which --partial forgives', () => {
    const file = write(
      'partial.conf',
      instance(1, 100).replace('priority', 'lvs_sync_daemon_interface eth0\n  priority'),
    )
    const verdict = `${file}: accepted, but 1 protection does not run: tanistd starts it with --partial only (1 warning)\n`
    const plain = run('tanistd.js', '-t', file)
    expect(plain).toMatchObject({ status: 7, stdout: verdict })
    expect(plain.stderr).toContain('warning[not-running]: `lvs_sync_daemon_interface` has no effect yet')
    expect(run('tanistd.js', '-t', '--partial', file)).toMatchObject({ status: 0, stdout: verdict })
    const json = run('tanistd.js', '-t', '--format', 'json', file)
    expect(json.status).toBe(7)
    expect(JSON.parse(json.stdout)).toMatchObject([
      { accepted: true, notRunning: [{ feature: 'lvs_sync_daemon', uses: 1 }] },
    ])
    expect(run('tanistd.js', '-t', file, '/no/such/file').status).toBe(4)
    expect(run('tanistd.js', '-t', file, write('wrong.conf', 'foo')).status).toBe(5)
    expect(run('tanistd.js', '--print-config', '-f', file).status).toBe(0)
  })

  const instance = (vrid: number, priority: number) =>
    `vrrp_instance a {\n  interface eth0\n  virtual_router_id ${vrid}\n  priority ${priority}\n  virtual_ipaddress { 10.0.0.1 }\n}\n`

  test('--format json: every diagnostic with its place, for tools', () => {
    const inner = write('inner.inc', 'prio 1\n')
    const file = write('json.conf', instance(1, 100).replace('priority 100', 'include inner.inc'))
    const { status, stdout, stderr } = run('tanistd.js', '-t', file, '--format', 'json')
    expect({ status, stderr }).toEqual({ status: 5, stderr: '' })
    expect(JSON.parse(stdout)).toEqual([
      {
        file,
        accepted: false,
        notRunning: [],
        diagnostics: [
          {
            severity: 'error',
            code: 'unknown-keyword',
            message: 'unknown keyword `prio` in vrrp_instance',
            hint: 'did you mean `priority`?',
            fix: { start: 0, end: 4, text: 'priority' },
            file: inner,
            line: 1,
            column: 1,
            endColumn: 5,
            origins: [{ how: 'included from', file, line: 4, column: 11 }],
          },
        ],
      },
    ])
  })

  test('two files are checked as a pair', () => {
    const a = write('a.conf', instance(1, 150))
    const b = write('b.conf', instance(2, 100))
    const { status, stderr } = run('tanistd.js', '-t', a, b)
    expect(status).toBe(5)
    expect(stderr).toContain(`${b}:3:3: error[pair-differs]: virtual_router_id of \`a\` is 2 here and 1 at ${a}:3`)
    expect(run('tanistd.js', '-t', a, write('c.conf', instance(1, 100))).status).toBe(0)
  })

  test('--host adds this host; without it the same file is good on any machine', () => {
    const file = write('host.conf', instance(1, 100).replace('eth0', 'none0'))
    expect(run('tanistd.js', '-t', file).status).toBe(0)
    const { status, stderr } = run('tanistd.js', '-t', '--host', file)
    expect(status).toBe(5)
    expect(stderr).toContain('error[host-interface]')
  })

  test('--print-config prints text that means the same, and JSON', () => {
    const file = write('print.conf', instance(1, 100))
    const text = run('tanistd.js', '--print-config', '-f', file).stdout
    expect(text).toContain('  garp_master_delay 5\n')
    expect(run('tanistd.js', '--print-config', '-f', write('again.conf', text)).stdout).toBe(text)
    const json = JSON.parse(run('tanistd.js', '--print-config', '--format', 'json', '-f', file).stdout) as unknown
    expect(json).toMatchObject({ vrrp_instance: [{ id: 'a', priority: 100, version: '2' }] })
  })
})

describe('the keyword reference of tanistd', () => {
  test('--keywords tells of one keyword, of a block, of all, and as JSON', () => {
    expect(run('tanistd.js', '--keywords', 'advert_int').stdout).toBe(
      '/vrrp_instance\n  advert_int <0.01-255 seconds>\n      Interval between adverts, in seconds (version 2: whole seconds); default 1.\n',
    )
    expect(run('tanistd.js', '--keywords', 'authentication').stdout).toContain('  auth_type PASS|AH\n')
    expect(run('tanistd.js', '--keywords', 'advert_in')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'tanistd: no keyword or block is named `advert_in`; did you mean `advert_int`?\n',
    })
    expect(run('tanistd.js', '--keywords', 'VRRP_INSTANCE').stderr).toContain('did you mean `vrrp_instance`?')
    expect(run('tanistd.js', '--keywords', 'nonsense').stderr).toContain('`tanistd --keywords` lists all')
    const all = JSON.parse(run('tanistd.js', '--keywords', '--format', 'json').stdout) as unknown[]
    expect(all.length).toBeGreaterThanOrEqual(649)
  })

  test('--manual is a manual page without complaints', () => {
    const page = run('tanistd.js', '--manual').stdout
    const { status, stderr, stdout } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z'], {
      input: page,
      encoding: 'utf8',
    })
    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: '' })
  })

  test('--completion bash completes flags and keywords', () => {
    const script = join(directory, 'completion.bash')
    writeFileSync(script, run('tanistd.js', '--completion', 'bash').stdout)
    const complete = (...words: string[]) =>
      spawnSync(
        'bash',
        [
          '-c',
          `. ${script}; COMP_WORDS=(tanistd ${words.join(' ')}); COMP_CWORD=${words.length}; _tanistd; echo "\${COMPREPLY[@]}"`,
        ],
        { encoding: 'utf8' },
      ).stdout.trim()
    expect(complete('--print')).toBe('--print-config')
    expect(complete('--keywords', 'garp_master_r')).toBe(
      'garp_master_repeat garp_master_refresh garp_master_refresh_repeat',
    )
  })

  test('--completion zsh is a completion of zsh', () => {
    const { status, stderr } = spawnSync('zsh', ['-n'], {
      input: run('tanistd.js', '--completion', 'zsh').stdout,
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

test.each([
  [['--grace', '1m'], /argument '1m' is invalid\. seconds, at most 86400/],
  [['--grace', '-1'], /argument '-1' is invalid/],
  [['--now'], /^tanistd: --now is of --release$/m],
  [['--host'], /^tanistd: --host goes with -t$/m],
  [['-t', '--fix', '-'], /^tanistd: --fix needs a file, not standard input$/m],
])('tanistd %j is refused as a mistake in the command line', (args, message) => {
  const { status, stderr } = run('tanistd.js', ...args)
  expect(status).toBe(1)
  expect(stderr).toMatch(message)
})

test.each([
  [['connections', '--state', 'ESTABLISED', '--delete'], /is invalid\. one of NONE, ESTABLISHED, /],
  [['trace', 'fe80::1', '10.0.0.1:80'], /^tanist: fe80::1 and 10\.0\.0\.1 are not of one family$/m],
  [['trace', '10.0.0.2', '10.0.0.1:80', '--mark', 'x'], /is invalid\. a whole number from 0 to 4294967295/],
  [['import', '/dev/zero'], /^tanist: cannot read \/dev\/zero: it is a device$/m],
])('tanist %j is refused before a daemon is asked', (args, message) => {
  const { status, stderr } = run('tanist.js', ...args)
  expect(status).toBe(1)
  expect(stderr).toMatch(message)
})

test('--release needs root, and -t --host says of no kernel what only root may see', () => {
  const file = join(directory, 'service.conf')
  writeFileSync(file, 'virtual_server 10.0.0.1 80 {\n protocol TCP\n real_server 10.0.0.2 80 {\n }\n}\n')
  chmodSync(directory, 0o755)
  const tanistd = (...args: string[]) => {
    const [program, ...rest] = asNobody([
      process.execPath,
      join(import.meta.dirname, '../../dist/bin/tanistd.js'),
      ...args,
    ])
    return spawnSync(program, rest, { encoding: 'utf8' })
  }
  const release = tanistd('--release', '-f', file)
  expect([release.status, release.stderr.trim().split('\n').at(-1)]).toEqual([1, 'tanistd: --release needs root'])
  const { stderr } = tanistd('-t', '--host', file)
  expect(stderr).not.toContain('host-kernel')
})

test('tanist without a daemon says so and exits with 2', () => {
  const { status, stderr } = run('tanist.js', '--socket', join(directory, 'none.sock'), 'status')
  expect(status).toBe(2)
  expect(stderr).toContain('cannot reach tanistd at')
})
