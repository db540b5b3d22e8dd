import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRunning, ScriptHost } from '../../support/script-host.ts'
import { until } from '../../support/lab.ts'

let host: ScriptHost
beforeEach(() => {
  host = new ScriptHost()
})
afterEach(() => host.destroy())

/** Runs a command as `notify_master`, and tells how it ended. */
async function run(command: string, ...global: string[]) {
  await host.configure(`global_defs {
    ${global.join('\n    ')}
  }
  vrrp_instance VI_1 { interface eth0
    virtual_router_id 51
    virtual_ipaddress { 10.9.9.9/32 }
    notify_master "${command}"
  }`)
  const before = host.all('ran').length
  host.tell({ type: 'state', subject: 'INSTANCE', name: 'VI_1', state: 'MASTER', priority: 1, reason: '', at: 0 })
  return (await host.untilRan(before + 1))[before]
}

test('a command finds its standard descriptors and no others, every signal as usual, and its own session', async () => {
  host.start()
  const script = host.script(
    'inside',
    `exec 2>&1
     ls -l /proc/self/fd | awk 'NF > 5 { print $9, $11 }' > ${host.path('descriptors')}
     cat /proc/self/status > ${host.path('signals')}
     ps -o pid=,pgid=,sid= -p $$ > ${host.path('session')}
     ulimit -n > ${host.path('limit')}; pwd > ${host.path('folder')}; umask > ${host.path('umask')}`,
  )
  await run(script)
  // `ls` itself reads the folder, by 3.
  const descriptors = host.lines('descriptors').filter((line) => !/^3 \/proc\/\d+\/fd$/.test(line))
  expect(descriptors).toEqual(['0 /dev/null', expect.stringMatching(/^1 /), expect.stringMatching(/^2 pipe:/)])
  const signals = host.lines('signals').flatMap((line) => (/^Sig(Blk|Ign|Cgt)/.test(line) ? [line.split('\t')] : []))
  expect(signals.map(([name]) => name)).toEqual(['SigBlk:', 'SigIgn:', 'SigCgt:'])
  for (const [, mask] of signals) expect(mask).toBe('0000000000000000')
  const [pid, group, session] = (host.lines('session')[0] ?? '').trim().split(/\s+/)
  expect([group, session]).toEqual([pid, pid])
  expect(host.lines('limit')).toEqual(['1024'])
  expect(host.lines('folder')).toEqual(['/'])
})

test('what the environment has for the daemon is not for its commands, nor what changes other programs', async () => {
  const env = {
    ...process.env,
    OF_THE_UNIT: 'yes',
    NODE_OPTIONS: '--no-warnings',
    NOTIFY_SOCKET: '/run/x',
    WATCHDOG_USEC: '1000000',
    LD_LIBRARY_PATH: '/nowhere',
    IFS: ':',
    TANIST_LOG: 'info',
  }
  host.start({ env })
  await run(host.script('inside', `/usr/bin/env > ${host.path('env')}`))
  const names = host.lines('env').map((line) => line.split('=')[0])
  expect(names).toContain('OF_THE_UNIT')
  expect(names).toContain('PATH')
  expect(names.filter((name) => /^(NODE_|TANIST_|NOTIFY_|WATCHDOG_|LD_|IFS)/.test(name ?? ''))).toEqual([])
})

test('a gigabyte of output is let go of, and nothing is kept but its first line', async () => {
  host.start()
  const ended = await run(host.script('much', 'echo first; head -c 1000000000 /dev/zero; echo last >&2'))
  expect(ended).toMatchObject({ end: 'exit status 0', output: 'first' })
})

test('a script can write to /dev/stderr, as another user, too', async () => {
  host.start()
  const script = host.script('inside', 'echo "to $(id -un)" > /dev/stderr')
  chmodSync(host.directory, 0o755)
  expect(await run(script)).toMatchObject({ good: true, output: 'to root' })
  expect(await run(script, 'script_user nobody')).toMatchObject({ good: true, output: 'to nobody' })
})

test('what a script leaves running goes on, and may go on writing', async () => {
  host.start()
  const left = host.script(
    'left',
    `(while sleep 0.1; do echo still; echo x >> ${host.path('alive')}; done) & echo $! > ${host.path('pid')}; echo begun`,
  )
  expect(await run(left)).toMatchObject({ end: 'exit status 0', output: 'begun' })
  const [pid = ''] = host.lines('pid')
  await until('it goes on', () => host.lines('alive').length > 5)
  expect(isRunning(pid)).toBe(true)
  process.kill(Number(pid), 'SIGKILL')
})

test('a script without an interpreter is run by the shell; a program is found in PATH', async () => {
  host.start()
  writeFileSync(host.path('plain'), 'echo "plain $0 $1"\n', { mode: 0o755 })
  expect(await run(`${host.path('plain')} a`)).toMatchObject({ good: true, output: `plain ${host.path('plain')} a` })
  expect(await run(`echo '$HOME;' 'a b'`)).toMatchObject({ good: true, output: '$HOME; a b' })
})

test.each([
  ['/no/such/program', 'not started: failed to execute /no/such/program: No such file or directory'],
  ['no-such-program-here', 'not started: there is no program no-such-program-here in PATH'],
  ['relative/program', 'not started: relative/program is no absolute path'],
  ['/etc', 'not started: failed to execute /etc: Permission denied'],
])('%s: %s', async (command, end) => {
  host.start()
  expect(await run(command)).toMatchObject({ end, good: false, output: '' })
})

test('a file that its user may not execute', async () => {
  host.start()
  const script = host.script('private', 'echo ran')
  chmodSync(script, 0o644)
  const end = `not started: failed to execute ${script}: Permission denied`
  expect(await run(script)).toMatchObject({ end, good: false, output: '' })
})

test('with enable_script_security nothing runs as root that others can change, now, or a part of the way to it', async () => {
  host.start()
  chmodSync(host.directory, 0o755)
  mkdirSync(host.path('safe'), { mode: 0o755 })
  const safe = host.script('safe/script', 'echo ran')
  const secure = 'enable_script_security'
  expect(await run(safe, secure)).toMatchObject({ good: true })
  // The same file, which was safe when the configuration was read.
  chmodSync(safe, 0o775)
  const refusal = (part: string, why: string) =>
    new RegExp(`^not started: \\S+ would run as root, but others can change ${part}: ${why}$`)
  expect((await run(safe, secure))?.end).toMatch(refusal(safe, 'its mode is 0775'))
  expect(await run(safe)).toMatchObject({ good: true })
  expect(await run(safe, secure, 'script_user nobody')).toMatchObject({ good: true })
  chmodSync(safe, 0o755)
  expect((await run(`${safe}s`, secure))?.end).toBe(`not started: ${safe}s: no such file or directory`)
  expect((await run(host.path('safe'), secure))?.end).toBe(`not started: ${host.path('safe')} is not a regular file`)
  chmodSync(host.path('safe'), 0o777)
  expect((await run(safe, secure))?.end).toMatch(refusal(host.path('safe'), 'its mode is 0777'))
  chmodSync(host.path('safe'), 0o755)
  chownSync(safe, 65_534, 0)
  expect((await run(safe, secure))?.end).toMatch(refusal(safe, String.raw`it belongs to user 65534 \(mode 0755\)`))
  chownSync(safe, 0, 0)

  // A link on the way that others can change, though neither its end nor its target's folder is theirs.
  mkdirSync(host.path('theirs'))
  chmodSync(host.path('theirs'), 0o777)
  symlinkSync(host.path('safe'), host.path('theirs/middle'))
  symlinkSync(host.path('theirs/middle'), host.path('first'))
  const linked = host.path('first/script')
  expect((await run(linked, secure))?.end).toMatch(refusal(host.path('theirs'), 'its mode is 0777'))
  chmodSync(host.path('theirs'), 0o755)
  expect(await run(linked, secure)).toMatchObject({ good: true })
})

test('a program is called by the name that is written, whatever it is a link to', async () => {
  host.start()
  symlinkSync(host.script('real', 'echo "$0"'), host.path('link'))
  expect(await run(host.path('link'))).toMatchObject({ output: host.path('link') })
})
