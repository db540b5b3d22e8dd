import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addBalancedHosts } from '../support/balanced-hosts.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const NOTES = join(lab.directory, 'notes')
const note = (what: string) => `"/bin/sh -c 'echo ${what} >>${NOTES}'"`
const config = (service: string, global = '') => `global_defs {
  enable_script_security
  script_user root
  ${global}
}
virtual_server 10.0.0.100 80 {
  delay_loop 1
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  ${service}
  quorum_up ${note('quorum-up')}
  quorum_down ${note('quorum-down')}
  real_server 192.168.1.11 80 {
    notify_up ${note('up')}
    notify_down ${note('down')}
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
}
`
let director: DirectorHost
let server: WebServer
let sorry: WebServer

beforeAll(async () => {
  addBalancedHosts(lab, [11, 99])
  server = new WebServer(lab, 'rs11')
  sorry = new WebServer(lab, 'rs99')
  await sorry.start()
  director = new DirectorHost(
    lab,
    'director',
    config('alpha\n  sorry_server 192.168.1.99 80\n  sorry_server_inhibit\n  ha_suspend'),
  )
  await director.start()
})
afterAll(() => lab.destroy())

const get = () => lab.run('client', ['curl', '-s', '-m', '2', 'http://10.0.0.100/']).trim()
const real = async () => (await director.status()).services[0]?.servers[0]
const untilReal = (state: 'up' | 'down') =>
  until(`the server to be ${state}`, async () => (await real())?.state === state)
const notes = () => (existsSync(NOTES) ? readFileSync(NOTES, 'utf8').trim().split('\n').toSorted() : [])
const listed = () => director.ipvsadm('ipvsadm -Ln').stdout

test('with alpha a server is down before its first check, and that is told to nobody', async () => {
  expect(get()).toBe('rs99')
  await until('the first check', async () => (await real())?.reason === 'ECONNREFUSED')
  expect(director.logText()).not.toMatch(/TCP_CHECK failed|Lost quorum/)
  expect(notes()).toEqual([])
  await server.start()
  await untilReal('up')
  expect(get()).toBe('rs11')
  await until('news', () => notes().length === 2)
  expect(notes()).toEqual(['quorum-up', 'up'])
})

test('with sorry_server_inhibit the sorry server stays with weight 0', () => {
  expect(listed()).toMatch(/-> 192\.168\.1\.99:80 +Masq +0 /)
})

test('with ha_suspend a server is not checked while the address is elsewhere, and stays what it was', async () => {
  lab.run('director', ['ip', 'address', 'del', '10.0.0.100/24', 'dev', 'eth0'])
  await until('the checks to rest', async () => (await real())?.reason.includes('(ha_suspend)') === true)
  await server.stop()
  // Longer than two checks and a time-out: nobody notices.
  lab.run('director', ['sleep', '3.5'])
  expect(await real()).toMatchObject({ state: 'up' })
  lab.run('director', ['ip', 'address', 'add', '10.0.0.100/24', 'dev', 'eth0'])
  await untilReal('down')
  await server.start()
  await untilReal('up')
})

test('with ha_suspend commands rest, too, also in a new script process, and go on when an address comes', async () => {
  const [runs, down] = [join(lab.directory, 'runs'), join(lab.directory, 'down')]
  const count = () => (existsSync(runs) ? readFileSync(runs, 'utf8').length : 0)
  writeFileSync(
    join(lab.directory, 'check.sh'),
    `#!/bin/sh\nprintf x >>${runs}\nif [ -e ${down} ]; then exit 1; fi\n`,
    { mode: 0o755 },
  )
  const misc = `MISC_CHECK {\n      misc_path ${join(lab.directory, 'check.sh')}\n      delay_loop 0.2\n      retry 0\n    }`
  director.configure(config('ha_suspend').replace(/TCP_CHECK \{[^}]*\}/, misc))
  expect(await director.reload()).toEqual([])
  await until('some runs', () => count() > 2)
  lab.run('director', ['ip', 'address', 'del', '10.0.0.100/24', 'dev', 'eth0'])
  await until('the checks to rest', async () => (await real())?.reason.includes('(ha_suspend)') === true)
  writeFileSync(down, '')
  const script = async () => (await director.status()).processes.find(({ role }) => role === 'script')
  const before = await script()
  process.kill(before?.pid ?? 0, 'SIGKILL')
  await until('another script process', async () => (await script())?.restarts !== before?.restarts)
  // One may have been under way; from then on, ten intervals long, there is none.
  lab.run('director', ['sleep', '0.5'])
  const rested = count()
  lab.run('director', ['sleep', '2'])
  expect(count()).toBe(rested)
  expect(await real()).toMatchObject({ state: 'up' })
  // Who asks by hand is told nevertheless, and changes nothing.
  expect(director.tanist('check', '192.168.1.11')).toMatchObject({ status: 1 })
  expect(await real()).toMatchObject({ state: 'up' })
  lab.run('director', ['ip', 'address', 'add', '10.0.0.100/24', 'dev', 'eth0'])
  await untilReal('down')
  unlinkSync(down)
  await untilReal('up')
})

test('log_all_failures tells each failed check, also of a server that is down already', async () => {
  director.configure(config('', 'checker_log_all_failures'))
  expect(await director.reload()).toEqual([])
  await server.stop()
  const failures = () => director.logText().match(/TCP_CHECK failed after [\d.]+ ms: ECONNREFUSED/g) ?? []
  await until('three failures', () => failures().length >= 3)
  expect(director.logText().match(/TCP_CHECK failed: ECONNREFUSED/g)?.length).toBeLessThan(3)
  await server.start()
  await untilReal('up')
})

test('rise and fall are rounds in a row, which follow each other by fast_interval', async () => {
  const turns = config('rise 2\n  fall 3\n  fast_interval 1', 'checker_log_all_failures')
  director.configure(turns.replace('delay_loop 1', 'delay_loop 8'))
  expect(await director.reload()).toEqual([])
  await until('it to be found up', async () => (await real())?.reason === 'connected')
  const linesNow = () => director.logText().split('\n').length
  const before = linesNow()
  await server.stop()
  await untilReal('down')
  type Line = { readonly time: number; readonly msg: string }
  const said = await until('it to be logged', () => {
    const lines = director
      .logText()
      .split('\n')
      .slice(before - 1)
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line)
    const all = lines.filter(({ msg }) => msg.includes('TCP_CHECK failed'))
    return all.some(({ msg }) => msg.includes('TCP_CHECK failed: ECONNREFUSED')) && all
  })
  const failures = said.filter(({ msg }) => msg.includes('failed after'))
  expect(failures.length).toBeGreaterThanOrEqual(3)
  // Two intervals of 1 s, not of 8 s.
  expect((failures[2]?.time ?? Infinity) - (failures[0]?.time ?? 0)).toBeLessThan(8000)
  await server.start()
  await until(
    'the first success of two',
    async () => (await real())?.reason === 'connected (1 of 2 successes in a row)',
  )
  await untilReal('up')
})

test('lvs_timeouts are those of the core; without them a reload brings the usual ones back', async () => {
  const timeouts = () => /\d+ \d+ \d+$/m.exec(director.ipvsadm('ipvsadm -L --timeout').stdout)?.[0]
  director.configure(config('', 'lvs_timeouts tcp 77 udp 55'))
  expect(await director.reload()).toEqual([])
  expect(timeouts()).toBe('77 120 55')
  director.ipvsadm('ipvsadm --set 66 0 0')
  expect(await director.reload()).toEqual([])
  expect(timeouts()).toBe('66 120 55')
  director.configure(config('', 'lvs_timeouts tcpfin 33'))
  expect(await director.reload()).toEqual([])
  expect(timeouts()).toBe('900 33 300')
})

test('lvs_flush_on_stop VS leaves what was made by hand', async () => {
  director.ipvsadm('ipvsadm -A -t 10.0.0.1:8080')
  director.ipvsadm('ipvsadm -a -t 10.0.0.1:8080 -r 192.168.1.99:80 -m')
  director.configure(config('', 'lvs_flush_on_stop VS'))
  expect(await director.reload()).toEqual([])
  await director.stop()
  expect(lab.run('client', ['curl', '-s', '-m', '2', 'http://10.0.0.1:8080/']).trim()).toBe('rs99')
  expect(() => get()).toThrow()
})

test('lvs_flush_on_stop removes the core', async () => {
  director.configure(config('', 'lvs_flush_on_stop'))
  await director.start()
  await until('the server to serve again', () => {
    try {
      return get() === 'rs11'
    } catch {
      return false
    }
  })
  await director.stop()
  expect(() => get()).toThrow()
  expect(() => lab.run('client', ['curl', '-s', '-m', '2', 'http://10.0.0.1:8080/'])).toThrow()
})
