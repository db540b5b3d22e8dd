import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const CONFIG = `vrrp_instance web {
  interface eth0
  virtual_router_id 51
  priority 150
  advert_int 1
  virtual_ipaddress { 10.0.0.100/24 }
}
virtual_server 10.0.0.100 80 {
  protocol TCP
  delay_loop 1
  real_server 10.0.0.3 80 { weight 1
    TCP_CHECK { connect_timeout 1 }
  }
}
`

let lab: Lab
beforeAll(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  for (const i of [1, 2, 3]) lab.addHost(`host${i}`, [{ switch: 'lan', address: `10.0.0.${i}/24` }])
})
afterAll(() => lab.destroy())

const path = (name: string) => join(lab.directory, name)
const numberIn = (name: string) => Number(readFileSync(path(name), 'utf8'))

test('-P runs the election alone, also after a reload; -p, -r, -c, -g, -G, -d, -u do what keepalived does', async () => {
  const files = ['-p', path('d.pid'), '-r', path('v.pid'), '-c', path('c.pid'), '-g', path('x.log')]
  const director = new DirectorHost(lab, 'host1', CONFIG, ['-P', ...files, '-G', '-d', '-u', '037', '-x'])
  await director.start()
  await director.untilState('master')
  expect((await director.status()).services).toEqual([])
  expect(await director.reload()).toEqual([])
  const { instances, services } = await director.status()
  expect(instances).toMatchObject([{ name: 'web', state: 'master' }])
  expect(services).toEqual([])
  for (const [name, role] of [
    ['d.pid', 'director'],
    ['v.pid', 'vrrp'],
    ['c.pid', 'check'],
  ] as const) {
    expect(numberIn(name)).toBe(await director.pidOf(role))
    expect(statSync(path(name)).mode & 0o777).toBe(0o640)
  }
  // A vrrp process that is started again has another number.
  const before = numberIn('v.pid')
  process.kill(before, 'SIGKILL')
  await until('the number of the next vrrp process', () => numberIn('v.pid') !== before)
  expect(director.logText()).toBe('tanistd: -x, --snmp has no effect: there is no SNMP; ask `tanist status --json`\n')
  expect(readFileSync(path('x.log'), 'utf8')).toMatch(/ director: the configuration with all defaults:\n.*global_defs/)
  expect(readFileSync(path('x_vrrp.log'), 'utf8')).toContain(' vrrp: (web) Entering MASTER STATE')
  await director.stop()
  for (const name of ['d.pid', 'v.pid', 'c.pid']) expect(existsSync(path(name))).toBe(false)
})

test('-C runs the virtual servers alone; without -p the number is in /run/tanist', async () => {
  const director = new DirectorHost(lab, 'host2', CONFIG, ['-C'])
  await director.start()
  const { instances, services } = await director.status()
  expect(instances).toEqual([])
  expect(services).toMatchObject([{ name: '[10.0.0.100]:tcp:80' }])
  expect(Number(readFileSync(`/run/tanist/${lab.directorName('host2')}.pid`, 'utf8'))).toBe(
    await director.pidOf('director'),
  )
  await director.stop()
})

test('-s names the network namespace', async () => {
  const [, entered = ''] = lab.enter('host3', ['true'])
  const namespace = basename(entered)
  const director = new DirectorHost(lab, 'host2', CONFIG, ['-s', namespace, '-P'])
  await director.start()
  await director.untilState('master')
  expect(lab.run('host3', ['ip', '-brief', 'address'])).toContain('10.0.0.100/24')
  expect(director.addresses()).not.toContain('10.0.0.100')
  await director.stop()
})
