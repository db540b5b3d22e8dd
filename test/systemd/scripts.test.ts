import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ProcessSnapshot, Snapshot, TrackerSnapshot } from '../../src/control/snapshot.ts'
import { until } from '../support/lab.ts'
import { installation, SystemdLab } from '../support/systemd-lab.ts'

const VIP = '10.0.0.100'
const SCRIPTS = '/etc/tanist/scripts'
/** Each of them ends well when its host let it do what it is for. */
const KINDS = {
  // What `killall -0` sees: a process of another user, under another unit.
  process: 'killall -0 tanist-webd',
  state: 'for folder in /tmp /var/lib /root /home; do date >$folder/tanist-state; done',
  unit: 'systemctl restart other',
  user: 'runuser -u daemon -- sh -c "id -un >/tmp/tanist-user"',
  network: 'ip address replace 10.9.9.9/32 dev lo && ip route replace 10.99.0.0/16 dev lo',
  web: 'curl -sf --max-time 2 http://127.0.0.1:8000/',
  sysctl: 'sysctl -qw net.ipv4.ip_nonlocal_bind=1',
  daemon: `pid=$(cat /run/tanist-daemon) && [ -e /proc/$pid ] && exit
setsid sleep 86399 >/dev/null 2>&1 </dev/null &
echo $! >/run/tanist-daemon`,
  gigabyte: 'exec head -c 1G /dev/zero',
  environment:
    'env >/tmp/tanist-env; ls /proc/self/fd >/tmp/tanist-fds; cat /proc/self/status >/tmp/tanist-process; cat /proc/self/limits >/tmp/tanist-limits',
} as const
/** Those that never end by themselves. */
const BAD_KINDS = {
  hanging: 'exec sleep 86398',
  stubborn: 'trap "" TERM INT HUP; while :; do sleep 0.1; done',
} as const

const script = (name: string, user: string, rest: string) =>
  `vrrp_script ${name} {\n  script "${SCRIPTS}/${name}"\n  user ${user}\n  ${rest}\n}\n`

/** `more`: of the instance. */
const config = (trackers: string, tracked: readonly string[], more = '') => `global_defs {
  script_user root
  enable_script_security
  shutdown_script ${SCRIPTS}/shutdown
}
${trackers}vrrp_instance web {
  interface eth0
  virtual_router_id 51
  priority 100
  advert_int 1
  virtual_ipaddress { ${VIP}/24 }
  ${tracked.length === 0 ? '' : `track_script {\n${tracked.map((name) => `    ${name} weight 1\n`).join('')}  }`}
  notify ${SCRIPTS}/notify
  notify_stop ${SCRIPTS}/goodbye
  ${more}
}
`
const GOOD = [...Object.keys(KINDS), 'unprivileged']
const ALL = config(
  [
    ...Object.keys(KINDS).map((name) => script(name, 'root', 'interval 60\n  timeout 30')),
    ...Object.keys(BAD_KINDS).map((name) => script(name, 'root', 'interval 2\n  timeout 1')),
    // As keepalived does, it runs as this user when it exists and nothing else is said.
    script('unprivileged', 'keepalived_script', 'interval 60'),
  ].join(''),
  [...GOOD, ...Object.keys(BAD_KINDS)],
)
const ONE = config(script('process', 'root', 'interval 1\n  fall 1\n  rise 1'), ['process'])
const BOMB = config(
  script('process', 'root', 'interval 1\n  fall 1\n  rise 1') +
    script('bomb', 'keepalived_script', 'interval 3600\n  timeout 3'),
  ['process', 'bomb'],
)
const NO_COMMANDS = `vrrp_instance web {\n  interface eth0\n  virtual_router_id 51\n  virtual_ipaddress { ${VIP}/24 }\n}\n`

/** A hang is noticed in a tenth of the usual time, and a bomb takes less than the machine has. */
const DROP_INS = {
  'tanist.service': '[Service]\nWatchdogSec=3\n',
  'tanist-script.service': '[Service]\nWatchdogSec=3\nTasksMax=200\n',
}
const OTHER_UNITS = {
  web: '[Service]\nUser=nobody\nExecStart=/usr/local/bin/tanist-webd 86400\n',
  other: '[Service]\nExecStart=/usr/bin/sleep 86400\n',
  files:
    '[Service]\nUser=daemon\nWorkingDirectory=/usr/share\nExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 8000\n',
}

const packed = mkdtempSync(join(tmpdir(), 'tanist-packed-'))
let lab: SystemdLab

const write = (path: string, text: string, mode = 644) => `mkdir -p $root${path.replace(/\/[^/]*$/, '')}
cat >$root${path} <<'END'
${text}
END
chmod ${mode} $root${path}
`
const scriptFile = (name: string, text: string) => write(`${SCRIPTS}/${name}`, `#!/bin/bash\n${text}`, 755)

beforeAll(async () => {
  lab = await SystemdLab.boot(
    [
      installation(packed),
      ...Object.entries(DROP_INS).map(([unit, text]) => write(`/etc/systemd/system/${unit}.d/test.conf`, text)),
      ...Object.entries(OTHER_UNITS).map(([unit, text]) => write(`/etc/systemd/system/${unit}.service`, text)),
      ...Object.entries({ ...KINDS, ...BAD_KINDS }).map(([name, text]) => scriptFile(name, text)),
      scriptFile('interface', 'ip link show dev inside'),
      scriptFile('slow', 'sleep 6; echo slow >>/root/tanist-notified'),
      scriptFile('unprivileged', '[ "$(id -un)" = keepalived_script ] && ! touch /root/tanist-denied && ! kill -0 1'),
      scriptFile('bomb', 'ulimit -u 300\nbomb() { bomb | bomb & }\nbomb\nsleep 86397'),
      scriptFile('notify', 'echo "$*" >>/root/tanist-notified; systemctl is-active web >>/root/tanist-notified'),
      scriptFile('goodbye', 'sleep 1; echo goodbye >>/root/tanist-notified'),
      scriptFile('shutdown', 'sleep 1; echo shutdown >>/root/tanist-notified'),
      'cp $root/usr/bin/sleep $root/usr/local/bin/tanist-webd',
      'chroot $root useradd --system keepalived_script',
    ].join('\n'),
  )
  lab.shell(`ip link add eth0 type veth peer name peer0
ip address add 10.0.0.1/24 dev eth0
ip link set eth0 up
ip link set peer0 up
systemctl start ${Object.keys(OTHER_UNITS).join(' ')}`)
  const install = installing()
    .filter((line) => line.startsWith('install '))
    .join('\n')
  lab.shell(`mkdir -p /etc/tanist; export npm_config_prefix=/usr/local\n${install}\nsystemctl daemon-reload`)
}, 120_000)
afterAll(async () => {
  await lab.destroy()
  rmSync(packed, { recursive: true })
})

/** The commands of docs/installing.md that install the units. */
function installing(): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/installing.md'), 'utf8')
  const step = text.split(/^## /m).find((each) => each.startsWith('4. ')) ?? ''
  return step.split('\n').flatMap((line) => (line.startsWith('    ') ? [line.slice(4)] : []))
}

const status = () => JSON.parse(lab.shell('tanist status --json')) as Snapshot
const processOf = (role: ProcessSnapshot['role']) => status().processes.find((each) => each.role === role)
const tracker = (name: string): TrackerSnapshot | undefined =>
  status().instances[0]?.trackers.find((each) => each.name === name)
const states = () => Object.fromEntries((status().instances[0]?.trackers ?? []).map(({ name, state }) => [name, state]))
const active = (unit: string) => lab.run('systemctl', 'is-active', unit).output.trim()
const mainPid = (unit: string) => lab.property(unit, 'MainPID')
const isMaster = () => lab.run('tanist', 'status').status === 0 && status().instances[0]?.state === 'master'
const notified = () => lab.shell('cat /root/tanist-notified 2>/dev/null || true').split('\n')
const journal = (unit: string) => lab.shell(`journalctl --sync; journalctl -u ${unit} -o cat`)
/** What the units say belongs to a failure. */
const withJournal = (waiting: Promise<unknown>) =>
  waiting.catch((error: Error) => {
    throw new Error(
      `${error.message}\n${lab.run('tanist', 'status').output}\n${journal('tanist')}\n${journal('tanist-script')}`,
    )
  })
const setConfig = (text: string) => lab.shell(`cat >/etc/tanist/tanist.conf <<'END'\n${text}END\n`)

async function start(text: string): Promise<void> {
  lab.shell('systemctl stop tanist; systemctl reset-failed; rm -f /root/tanist-notified; systemctl start web')
  setConfig(text)
  if (lab.run('systemctl', 'start', 'tanist').status !== 0) throw new Error(journal('tanist'))
  await until('a master', isMaster, 20_000)
}

test('without commands there is no process for them', async () => {
  await start(NO_COMMANDS)
  expect(active('tanist-script.socket')).toBe('active')
  expect(active('tanist-script.service')).toBe('inactive')
  expect(processOf('script')).toBeUndefined()
})

describe('scripts of a running instance', () => {
  beforeAll(async () => {
    await start(ALL)
    const done = () => Object.values(states()).every((state) => state !== 'unknown')
    await withJournal(until('first results', done, 20_000))
  }, 100_000)

  test.each(GOOD)('%s', (name) => {
    expect(tracker(name)).toMatchObject({ state: 'good', contribution: 1 })
  })

  test.each(Object.keys(BAD_KINDS))('%s costs nothing but itself', (name) => {
    expect(tracker(name)).toMatchObject({ state: 'bad', contribution: 0 })
    expect(tracker(name)?.detail).toMatch(/after its time limit of 1 s/)
  })

  test('what they do is done on the host', () => {
    for (const folder of ['/tmp', '/var/lib', '/root', '/home']) lab.shell(`test -s ${folder}/tanist-state`)
    expect(lab.shell('cat /tmp/tanist-user')).toBe('daemon')
    expect(lab.shell('ip address show dev lo; ip route')).toMatch(/10\.9\.9\.9\/32[^]*10\.99\.0\.0\/16/)
    expect(lab.shell('sysctl -n net.ipv4.ip_nonlocal_bind')).toBe('1')
    expect(lab.shell('systemctl show --value -p ExecMainStartTimestampMonotonic other')).not.toBe(
      lab.shell('systemctl show --value -p ExecMainStartTimestampMonotonic web'),
    )
  })

  test('they find the environment of a service, without anything of the daemon', () => {
    const environment = lab.shell('cat /tmp/tanist-env')
    expect(environment).toMatch(/^PATH=/m)
    expect(environment).not.toMatch(/^(NODE_|TANIST_|NOTIFY_SOCKET|LISTEN_|WATCHDOG_|JOURNAL_STREAM)/m)
    // Standard input and output, and what `ls` reads.
    expect(lab.shell('cat /tmp/tanist-fds').split('\n')).toEqual(['0', '1', '2', '3'])
    const shown = lab.shell('cat /tmp/tanist-process')
    for (const mask of ['SigIgn', 'SigBlk']) expect(shown).toMatch(new RegExp(`^${mask}:\\t0{16}$`, 'm'))
    expect(shown).toMatch(/^Uid:\t0\t/m)
    expect(shown).toMatch(/^NoNewPrivs:\t0$/m)
    expect(shown).toMatch(/^Seccomp:\t0$/m)
    expect(lab.shell('cat /tmp/tanist-limits')).toMatch(/^Max open files +1024 /m)
  })

  test('the process that runs them is small, and that of the unit', () => {
    expect(String(processOf('script')?.pid)).toBe(mainPid('tanist-script'))
    expect(Number(lab.shell(`awk '/VmRSS/{print $2}' /proc/${mainPid('tanist-script')}/status`))).toBeLessThan(150_000)
  })

  test('hanging ones leave nothing behind', async () => {
    const count = () => Number(lab.shell('pgrep -cf "^sleep 86398|^/bin/bash .*/stubborn" || true'))
    // One run of each at a time; a second one may be on its way out.
    for (let n = 0; n < 5; n++) expect(count()).toBeLessThanOrEqual(4)
  })

  test('a server that a script has started survives a restart of both units', async () => {
    const pid = lab.shell('cat /run/tanist-daemon')
    lab.shell('systemctl restart tanist tanist-script')
    await until('a master', isMaster, 20_000)
    expect(lab.shell(`cat /proc/${pid}/cmdline | tr '\\0' ' '`)).toBe('sleep 86399')
    lab.shell(`kill ${pid}`)
  })
})

describe('when one part ends', () => {
  beforeAll(async () => {
    await start(ONE)
  })
  beforeEach(async () => {
    lab.shell('systemctl start web; : >/root/tanist-notified')
    await withJournal(until('a good tracker', () => isMaster() && tracker('process')?.state === 'good', 20_000))
  })
  /** The service works: it sees a process end, and tells of a new state. */
  const expectService = async () => {
    lab.shell('systemctl stop web')
    await withJournal(until('a bad tracker', () => tracker('process')?.state === 'bad', 10_000))
  }

  test('kill -9 of the service: another one, trackers keep their state meanwhile, and the director goes on', async () => {
    const [director, before] = [mainPid('tanist'), mainPid('tanist-script')]
    lab.shell(`kill -9 ${before}`)
    const seen = new Set<unknown>()
    await until('another service', () => {
      seen.add(tracker('process')?.state)
      return !['0', before].includes(mainPid('tanist-script')) && processOf('script')?.pid !== undefined
    })
    expect([...seen]).toEqual(['good'])
    expect(isMaster()).toBe(true)
    expect(processOf('script')?.restarts).toBe(1)
    await expectService()
    expect(mainPid('tanist')).toBe(director)
  })

  test('kill -9 of the director: another one finds the service with all that it knows', async () => {
    const [director, service] = [mainPid('tanist'), mainPid('tanist-script')]
    lab.shell(`kill -9 ${director}`)
    await until('another director', () => !['0', director].includes(mainPid('tanist')), 20_000)
    await until('a master', isMaster, 20_000)
    await expectService()
    expect(mainPid('tanist-script')).toBe(service)
  })

  test('a service that hangs is replaced by the watchdog', async () => {
    const before = mainPid('tanist-script')
    lab.shell(`kill -STOP ${before}`)
    await until('another service', () => !['0', before].includes(mainPid('tanist-script')), 20_000)
    expect(journal('tanist-script')).toContain('Watchdog timeout')
    expect(isMaster()).toBe(true)
    await expectService()
  })

  test('restart of the service alone', async () => {
    const [director, before] = [mainPid('tanist'), mainPid('tanist-script')]
    lab.shell('systemctl restart tanist-script')
    expect(mainPid('tanist-script')).not.toBe(before)
    await until('the director to find it', () => String(processOf('script')?.pid) === mainPid('tanist-script'))
    await expectService()
    expect(mainPid('tanist')).toBe(director)
  })

  test('a service that is told to stop is there again', async () => {
    lab.shell('systemctl stop tanist-script')
    await until('the director to find it', () => processOf('script')?.pid !== undefined)
    await expectService()
  })

  test('systemctl reload: both have the new file', async () => {
    const before = mainPid('tanist-script')
    setConfig(ONE.replaceAll('process', 'web'))
    lab.shell('systemctl reload tanist')
    await withJournal(until('the other tracker', () => states()['web'] === 'good', 10_000))
    expect(mainPid('tanist-script')).toBe(before)
    setConfig(ONE)
    lab.shell('systemctl reload tanist')
  })

  test('tanist upgrade: the new program finds the service with all that it knows', async () => {
    const before = [mainPid('tanist'), mainPid('tanist-script')]
    lab.shell('tanist upgrade')
    await until('the director to find it', () => String(processOf('script')?.pid) === before[1])
    expect(tracker('process')).toMatchObject({ state: 'good', contribution: 1 })
    await expectService()
    expect([mainPid('tanist'), mainPid('tanist-script')]).toEqual(before)
    expect(notified()).toEqual([''])
  })

  test('systemctl stop: commands for the end are run, and nothing is left', async () => {
    lab.shell('systemctl stop tanist')
    await withJournal(until('the service to end', () => active('tanist-script.service') === 'inactive', 5000))
    expect(lab.property('tanist-script.service', 'Result')).toBe('success')
    expect(notified()).toEqual(['goodbye', 'INSTANCE web STOP 101', 'active', 'shutdown'])
    await until('the socket to go', () => active('tanist-script.socket') === 'inactive', 5000)
    lab.shell('systemctl start tanist')
  })

  test('systemctl restart: other processes, and their states are told', async () => {
    const before = [mainPid('tanist'), mainPid('tanist-script')]
    lab.shell('systemctl restart tanist')
    await until('a master', isMaster, 20_000)
    await withJournal(
      until('MASTER to be told', () => notified().some((line) => line.startsWith('INSTANCE web MASTER 10'))),
    )
    const after = [mainPid('tanist'), mainPid('tanist-script')]
    expect(after).not.toContain('0')
    expect(before.filter((pid) => after.includes(pid))).toEqual([])
  })
})

test('a long shutdown_script has its time, whatever the unit says', async () => {
  await start(
    ONE.replace('shutdown_script ', 'shutdown_script_timeout 20\n  shutdown_script ').replace('/shutdown\n', '/slow\n'),
  )
  lab.shell(`mkdir -p /run/systemd/system/tanist.service.d
printf '[Service]\\nTimeoutStopSec=3\\n' >/run/systemd/system/tanist.service.d/once.conf
systemctl daemon-reload`)
  await until('the service', () => processOf('script')?.pid !== undefined)
  lab.shell('systemctl stop tanist; rm /run/systemd/system/tanist.service.d/once.conf; systemctl daemon-reload')
  expect(lab.property('tanist', 'Result')).toBe('success')
  expect(notified().at(-1)).toBe('slow')
})

test('with net_namespace its commands run in there', async () => {
  lab.shell(`ip netns add blue
ip netns exec blue ip link add inside type veth peer name other
ip netns exec blue ip address add 10.0.0.1/24 dev inside
ip netns exec blue ip link set other up
ip netns exec blue ip link set inside up
ip netns exec blue ip link set lo up
mkdir -p /run/systemd/system/tanist.service.d
printf '[Service]\\nNetworkNamespacePath=/run/netns/blue\\n' >/run/systemd/system/tanist.service.d/namespace.conf
systemctl daemon-reload`)
  const named = `net_namespace blue\n${ONE}`
  await start(named.replace('eth0', 'inside').replaceAll('process', 'interface'))
  await withJournal(until('a good tracker', () => tracker('interface')?.state === 'good', 10_000))
  expect(lab.shell(`ip netns identify ${mainPid('tanist-script')}`)).toBe('blue')
  lab.shell('systemctl stop tanist; rm /run/systemd/system/tanist.service.d/namespace.conf; systemctl daemon-reload')
})

test('a fork bomb takes what its unit may have, and the election goes on', async () => {
  await start(BOMB)
  const since = status().instances[0]?.since
  await withJournal(until('its end', () => tracker('bomb')?.state === 'bad', 20_000))
  await withJournal(until('the other tracker to work', () => tracker('process')?.state === 'good', 20_000))
  await until('its processes to go', () => lab.run('pgrep', '-u', 'keepalived_script').status === 1, 10_000)
  expect(status().instances[0]).toMatchObject({ state: 'master', since })
  expect(active('tanist-script')).toBe('active')
})
