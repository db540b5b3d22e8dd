import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PINNED_MAPS } from '../../src/forward/ebpf/pins.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const config = `virtual_server 10.0.0.100 80 {
  protocol TCP
  lvs_method NAT
  real_server 192.168.1.11 80 {
  }
}
`
let director: DirectorHost
const pins = join('/sys/fs/bpf/tanist', lab.directorName('director'))
const get = () => lab.run('client', ['curl', '-s', '-m', '2', 'http://10.0.0.100/']).trim()

beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('client', [{ switch: 'outside', address: '10.0.0.10/24' }])
  lab.addHost('director', [
    { switch: 'outside', address: '10.0.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.addHost('rs', [{ switch: 'inside', address: '192.168.1.11/24' }], '192.168.1.1')
  lab.run('director', ['ip', 'address', 'add', '10.0.0.100/32', 'dev', 'lo'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  await new WebServer(lab, 'rs').start()
  director = new DirectorHost(lab, 'director', config)
  await director.start()
  lab.run('client', ['ip', 'route', 'add', '10.0.0.100/32', 'via', '10.0.0.1'])
})
afterAll(() => lab.destroy())

test('pins that somebody removes are made again, also when the network changes just then', async () => {
  expect(get()).toBe('rs')
  const whole = readdirSync(pins, { recursive: true }).map(String).toSorted()
  expect(whole.length).toBeGreaterThan(PINNED_MAPS.length)
  rmSync(pins, { recursive: true })
  lab.run('director', ['ip', 'link', 'add', 'dummy7', 'type', 'bridge'])
  lab.run('director', ['ip', 'link', 'delete', 'dummy7'])
  await until(
    'the pins to be back',
    () => existsSync(pins) && readdirSync(pins, { recursive: true }).length === whole.length,
  )
  expect(readdirSync(pins, { recursive: true }).map(String).toSorted()).toEqual(whole)
  await until('the log to say so', () => director.logText().includes('pins of the forwarding core were removed'))
  expect(get()).toBe('rs')
  expect((await director.status()).processes[0]?.pid).toBe(director.pid)
})

test('a second daemon of the name with another socket is refused, and disturbs nothing', async () => {
  const other = join(lab.directory, 'other.sock')
  const second = new DirectorHost(lab, 'director', config, ['--socket', other])
  await expect(second.startAnother()).rejects.toThrow(
    `another tanistd named ${lab.directorName('director')} is running on this machine; --name tells them apart`,
  )
  const third = new DirectorHost(lab, 'director', config, ['--name', `${lab.directorName('director')}-2`])
  await expect(third.startAnother()).rejects.toThrow(`another tanistd has the control socket ${director.socket}`)
  expect(get()).toBe('rs')
})

test('what the daemon has survives its death, and the next one of the name starts', async () => {
  await director.killAll()
  await until('the kernel to have ended it', () => !existsSync(`/proc/${director.pid}`))
  await director.start()
  expect(director.logText()).toContain('took over the running forwarding core')
  expect(get()).toBe('rs')
})
