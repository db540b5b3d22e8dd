import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ProcessSnapshot, Snapshot } from '../../src/control/snapshot.ts'
import { until } from '../support/lab.ts'
import { installation, SystemdLab } from '../support/systemd-lab.ts'

const VIP = '10.0.0.100'
const CONFIG = `vrrp_instance web {
  interface eth0
  virtual_router_id 51
  priority 150
  virtual_ipaddress { ${VIP}/24 }
}
virtual_server ${VIP} 80 {
  protocol TCP
  real_server 10.0.0.2 80 { weight 1
  }
}
`
/** Where the package's own units look for a program first: notes what it is asked for, and does it. */
const WITNESS = `#!/bin/sh
echo "$*" >>/run/tanist/calls
exec /usr/local/bin/tanistd "$@"
`
/** A hang is noticed in a tenth of the usual time. */
const DROP_IN = '[Service]\nWatchdogSec=3\n'

const packed = mkdtempSync(join(tmpdir(), 'tanist-packed-'))
let lab: SystemdLab
/** What the commands of docs/installing.md have printed. */
let shown = ''

const write = (path: string, text: string) => `mkdir -p $root${path.replace(/\/[^/]*$/, '')}
cat >$root${path} <<'END'
${text}END
`
const LINKS = `ip link add eth0 type veth peer name peer0
ip address add 10.0.0.1/24 dev eth0
ip link set eth0 up
ip link set peer0 up
`

beforeAll(async () => {
  lab = await SystemdLab.boot(
    [
      installation(packed),
      write('/etc/systemd/system/tanist.service.d/test.conf', DROP_IN),
      write('/usr/local/sbin/tanistd', WITNESS),
      'chmod +x $root/usr/local/sbin/tanistd',
    ].join('\n'),
  )
  lab.shell(LINKS)
  lab.shell('groupadd tanist')
  // As docs/installing.md says, from where the package is there; what needs the network is done.
  const offline = (line: string) => /^(install|tanistd|systemctl|tanist) /.test(line)
  shown = lab.shell(`export npm_config_prefix=/usr/local\n${[...step(3), ...step(4)].filter(offline).join('\n')}`)
  lab.shell('systemctl stop tanist')
}, 120_000)
afterAll(async () => {
  await lab.destroy()
  rmSync(packed, { recursive: true })
})

/** The commands of a step. */
function step(number: number): string[] {
  const steps = readFileSync(join(import.meta.dirname, '../../docs/installing.md'), 'utf8').split(/^## /m)
  const text = steps.find((each) => each.startsWith(`${number}. `)) ?? ''
  return text.split('\n').flatMap((line) => (line.startsWith('    ') ? [line.slice(4)] : []))
}

const status = () => JSON.parse(lab.shell('tanist status --json')) as Snapshot
const pidOf = (role: ProcessSnapshot['role']) => status().processes.find((each) => each.role === role)?.pid
const hasAddress = () => lab.shell('ip -brief address show dev eth0').includes(`${VIP}/`)
const isMaster = () => lab.run('tanist', 'status').status === 0 && status().instances[0]?.state === 'master'
const releases = () => lab.shell('grep -c -- --release /run/tanist/calls || true')
const active = (unit: string) => lab.run('systemctl', 'is-active', unit).output.trim()
const untilMaster = () =>
  until('the virtual address', () => active('tanist') === 'active' && isMaster() && hasAddress(), 20_000)
const journal = (since: string) => lab.shell(`journalctl --sync; journalctl -u tanist -o cat --since '@${since}'`)
const now = () => lab.shell('date +%s.%N')

/** Started, master, and not counted against by earlier starts. */
beforeEach(async () => {
  lab.shell(`cat >/etc/tanist/tanist.conf <<'END'\n${CONFIG}END\n`)
  lab.shell('systemctl reset-failed; systemctl start tanist; : >/run/tanist/calls')
  await untilMaster()
})

test('docs/installing.md leads to a running unit', () => {
  expect(shown).toContain('/etc/tanist/tanist.conf: good')
  expect(shown).toMatch(/^INSTANCE +STATE/m)
  expect(shown).toMatch(/^PROCESS +PID/m)
})

describe('tanist.service', () => {
  test('starts as the package has it, hardened, with pins that the host sees and a real-time election', () => {
    expect(lab.property('tanist', 'FragmentPath')).toBe('/etc/systemd/system/tanist.service')
    expect(lab.shell('ls /sys/fs/bpf/tanist')).toBe('tanist')
    expect(lab.shell(`chrt -p ${pidOf('vrrp')}`)).toContain('SCHED_RR')
    const report = lab.shell('systemd-analyze security --no-pager tanist')
    expect(Number(/exposure level for \S+: (\d+\.\d+)/.exec(report)?.[1])).toBeLessThanOrEqual(2.9)
    expect(lab.shell('stat -c "%U %G %a" /run/tanist/tanist.sock')).toBe('root tanist 660')
    // What it may not: change a setting of the kernel.
    const inside = lab.run(
      'nsenter',
      '-t',
      String(pidOf('director')),
      '-m',
      '--root',
      '--wd',
      'touch',
      '/sys/kernel/uevent_seqnum',
    )
    expect(inside.errors).toContain('Read-only file system')
  })

  test('reload takes a good file into force', () => {
    lab.shell("sed -i 's/weight 1/weight 7/' /etc/tanist/tanist.conf; systemctl reload tanist")
    expect(status().services[0]?.servers[0]?.weight).toBe(7)
    expect(active('tanist')).toBe('active')
  })

  test('reload with a bad file fails, the journal has the errors, and what was in force stays', () => {
    const since = now()
    const pid = lab.property('tanist', 'MainPID')
    const before = status().services
    lab.shell("sed -i 's/weight 1/weight 8\\nbogus/' /etc/tanist/tanist.conf")
    expect(lab.run('systemctl', 'reload', 'tanist').status).not.toBe(0)
    expect(journal(since)).toMatch(/tanist\.conf:10:\d+: error\[unknown-keyword\]: unknown keyword `bogus`/)
    expect(active('tanist')).toBe('active')
    expect(lab.property('tanist', 'MainPID')).toBe(pid)
    expect(status().services).toEqual(before)
    expect(isMaster()).toBe(true)
  })

  test('a director that hangs is replaced by the watchdog', async () => {
    const since = now()
    const pid = lab.property('tanist', 'MainPID')
    lab.shell(`kill -STOP ${pid}`)
    await until('another director', () => !['0', pid].includes(lab.property('tanist', 'MainPID')), 20_000)
    await untilMaster()
    expect(journal(since)).toContain('Watchdog timeout')
    expect(releases()).toBe('1')
  })

  test.each(['vrrp', 'check'] as const)('kill -9 of %s: another one, and the unit notices nothing', async (role) => {
    const [director, before] = [lab.property('tanist', 'MainPID'), pidOf(role)]
    lab.shell(`kill -9 ${before}`)
    await until(`another ${role} process`, () => ![undefined, before].includes(pidOf(role)))
    await untilMaster()
    expect(lab.property('tanist', 'MainPID')).toBe(director)
  })

  test.each(['vrrp', 'check'] as const)('%s hangs: another one, and the unit notices nothing', async (role) => {
    const [director, before] = [lab.property('tanist', 'MainPID'), pidOf(role)]
    lab.shell(`kill -STOP ${before}`)
    await until(`another ${role} process`, () => ![undefined, before].includes(pidOf(role)), 30_000)
    await untilMaster()
    expect(lab.property('tanist', 'MainPID')).toBe(director)
  })

  test('kill -9 of the director: another one, after what it left was released', async () => {
    const director = lab.property('tanist', 'MainPID')
    lab.shell(`kill -9 ${director}`)
    await until('another director', () => !['0', director].includes(lab.property('tanist', 'MainPID')), 20_000)
    await untilMaster()
    expect(releases()).toBe('1')
  })

  test('kill -9 of all of them without a restart leaves no address behind', async () => {
    lab.shell(
      "mkdir -p /run/systemd/system/tanist.service.d; printf '[Service]\\nRestart=no\\n' >/run/systemd/system/tanist.service.d/once.conf; systemctl daemon-reload",
    )
    lab.shell('systemctl kill --signal=KILL --kill-who=all tanist')
    await until('the end', () => active('tanist') === 'failed', 20_000)
    expect(releases()).toBe('1')
    await until('the kernel to take the address away', () => !hasAddress())
    lab.shell('rm /run/systemd/system/tanist.service.d/once.conf; systemctl daemon-reload')
  })

  test('restart: another director, no release of what an orderly stop has left', async () => {
    const director = lab.property('tanist', 'MainPID')
    lab.shell('systemctl restart tanist')
    await untilMaster()
    expect(lab.property('tanist', 'MainPID')).not.toBe(director)
    expect(releases()).toBe('0')
  })

  test('stop: in order, without a release, and what it keeps under /run/tanist stays', async () => {
    lab.shell('systemctl stop tanist')
    expect(active('tanist')).toBe('inactive')
    expect(lab.property('tanist', 'Result')).toBe('success')
    // No successor was heard: the address is left for a restart, and goes by itself.
    await until('the kernel to remove the address', () => !hasAddress(), 20_000)
    expect(releases()).toBe('0')
  })

  test('a refused file is no reason to try again and again', async () => {
    const since = now()
    lab.shell('systemctl stop tanist; echo bogus >>/etc/tanist/tanist.conf')
    expect(lab.run('systemctl', 'start', 'tanist').status).not.toBe(0)
    await until('the end', () => active('tanist') === 'failed')
    expect(journal(since).split('unknown keyword `bogus`').length - 1).toBe(2) // the start, and the release after it
  })
})

describe('tanist-ipvsadm.service', () => {
  const SERVICE = '-A -t 10.0.0.100:81 -s rr'
  const services = () => lab.shell('tanist-ipvsadm-save -n')
  beforeEach(() => {
    lab.shell('systemctl start tanist-ipvsadm; tanist-ipvsadm -C; tanist-ipvsadm -A -t 10.0.0.100:81 -s rr')
  })

  test('starts with tanist.service', () => {
    expect(active('tanist-ipvsadm')).toBe('active')
  })

  test('after a crash it is not failed, and services made by hand are there, not those saved before', async () => {
    lab.shell('systemctl restart tanist-ipvsadm; tanist-ipvsadm -A -t 10.0.0.100:82 -s rr')
    lab.shell('systemctl kill --signal=KILL --kill-who=all tanist')
    await untilMaster()
    await until('its unit', () => active('tanist-ipvsadm') === 'active')
    expect(services()).toBe(`${SERVICE}\n-A -t 10.0.0.100:82 -s rr`)
    expect(lab.run('systemctl', 'is-failed', 'tanist-ipvsadm').output.trim()).toBe('active')
  })

  test('over a restart they are there', async () => {
    lab.shell('systemctl restart tanist')
    await untilMaster()
    await until('its unit', () => active('tanist-ipvsadm') === 'active')
    expect(services()).toBe(SERVICE)
  })

  test('they are saved at a stop, and restored into a core that has none', async () => {
    lab.shell('systemctl stop tanist')
    expect(active('tanist-ipvsadm')).toBe('inactive')
    lab.shell('rm -rf /sys/fs/bpf/tanist; systemctl start tanist')
    await untilMaster()
    await until('its unit', () => active('tanist-ipvsadm') === 'active')
    expect(services()).toBe(SERVICE)
  })
})
