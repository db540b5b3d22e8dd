import { chmodSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ScriptHost } from '../../support/script-host.ts'

const PASSWD = ['root:x:0:0::/root:/bin/sh', 'web:x:4711:4712::/:/bin/sh', 'alone:x:4800:4800::/:/bin/sh']
const KEEPALIVED = 'keepalived_script:x:4900:4900::/:/bin/sh'
const GROUP = ['root:x:0:', 'web:x:4712:', 'logs:x:4713:web', 'www:x:4714:web,alone', 'other:x:4715:']

let host: ScriptHost
beforeEach(() => {
  host = new ScriptHost()
  chmodSync(host.directory, 0o755)
})
afterEach(() => host.destroy())

/** Starts the script process on a host with just these users and groups. */
function start(passwd: readonly string[] = PASSWD): void {
  writeFileSync(host.path('passwd'), `${passwd.join('\n')}\n`)
  writeFileSync(host.path('group'), `${GROUP.join('\n')}\n`)
  const mounts = ['passwd', 'group'].map((name) => `mount --bind ${host.path(name)} /etc/${name}`).join(' && ')
  const inside = host.script('inside', `${mounts} && exec '${process.execPath}' "$@"`)
  host.start({
    env: { ...process.env, PATH: `${host.directory}:${process.env['PATH']}` },
    by: host.script('by', `exec unshare --mount ${inside} "$@"`),
  })
}

/** User, group and all groups that a command has. */
async function who(user: string, ...global: string[]): Promise<string | undefined> {
  await host.configure(`global_defs {
    ${global.join('\n    ')}
  }
  vrrp_instance VI_1 { interface eth0
    virtual_router_id 51
    virtual_ipaddress { 10.9.9.9/32 }
    notify_master "${host.script('who', 'echo $(id -u) $(id -g) $(id -G)')}" ${user}
  }`)
  const before = host.all('ran').length
  host.tell({ type: 'state', subject: 'INSTANCE', name: 'VI_1', state: 'MASTER', priority: 1, reason: '', at: 0 })
  const ended = (await host.untilRan(before + 1))[before]
  if (ended?.good !== true) return ended?.end
  const [uid, gid, ...groups] = ended.output.split(' ')
  return [uid, gid, ...groups.toSorted()].join(' ')
}

test('a command runs as root when nobody else is named', async () => {
  start()
  expect(await who('')).toBe('0 0 0')
})

test('as keepalived_script, if there is such a user', async () => {
  start([...PASSWD, KEEPALIVED])
  expect(await who('')).toBe('4900 4900 4900')
  expect(await who('root')).toBe('0 0 0')
})

test('as script_user, with its group or another one, by name or number', async () => {
  start([...PASSWD, KEEPALIVED])
  expect(await who('', 'script_user web')).toBe('4711 4712 4712')
  expect(await who('', 'script_user web logs')).toBe('4711 4713 4713')
  expect(await who('', 'script_user 4711')).toBe('4711 4712 4712')
  expect(await who('', 'script_user 4711 4715')).toBe('4711 4715 4715')
  expect(await who('', 'script_user 9999 9998')).toBe('9999 9998 9998')
  expect(await who('alone', 'script_user web')).toBe('4800 4800 4800')
  expect(await who('alone other', 'script_user web')).toBe('4800 4715 4715')
})

test('with set_supplementary_groups it has all groups of its user', async () => {
  start()
  expect(await who('web', 'set_supplementary_groups')).toBe('4711 4712 4712 4713 4714')
  expect(await who('web logs', 'set_supplementary_groups')).toBe('4711 4713 4712 4713 4714')
  expect(await who('alone', 'set_supplementary_groups')).toBe('4800 4800 4714 4800')
})

test('a user or group that is not there runs nothing', async () => {
  start()
  expect(await who('nosuch')).toBe('not started: there is no user nosuch here')
  expect(await who('web nosuch')).toBe('not started: there is no group nosuch here')
  expect(await who('9999')).toBe('not started: user 9999 is not known here, so its group must be named')
  // It is looked for again.
  writeFileSync(host.path('passwd'), `${[...PASSWD, 'nosuch:x:5000:5000::/:/bin/sh'].join('\n')}\n`)
  expect(await who('nosuch')).toBe('5000 5000 5000')
})

test('when nobody answers, who was known before a reload is known still', async () => {
  start()
  expect(await who('web')).toBe('4711 4712 4712')
  // As from a directory that cannot be asked: getent ends with another status than that of a key that is not there.
  host.script('getent', 'exit 1')
  expect(await who('web')).toBe('4711 4712 4712')
  expect((await who('alone')) ?? '').toMatch(/^not started: cannot look up alone: /)
})
