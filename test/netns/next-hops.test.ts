import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
let director: DirectorHost

beforeAll(async () => {
  lab.addSwitch('inside')
  lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
  director = new DirectorHost(
    lab,
    'director',
    `virtual_server 10.0.0.100 80 {
  protocol TCP
  real_server 10.9.0.5 80 {
  }
}
`,
  )
  await director.start()
})
afterAll(() => lab.destroy())

/** By which neighbour a new client's packet would go to the server. */
const hop = () => /next hop +(\S+)/.exec(director.tanist('trace', '192.168.1.9', '10.0.0.100:80').stdout)?.[1]
const ip = (...args: readonly string[]) => lab.run('director', ['ip', ...args])

test('the next hop of a server follows routes and rules, whichever changes', async () => {
  ip('route', 'add', '10.9.0.0/16', 'via', '192.168.1.11')
  await until('the new route', () => hop() === '192.168.1.11')
  ip('route', 'replace', '10.9.0.0/16', 'via', '192.168.1.12')
  await until('the other route', () => hop() === '192.168.1.12')
  ip('route', 'add', 'table', '100', '10.9.0.0/16', 'via', '192.168.1.13')
  ip('rule', 'add', 'to', '10.9.0.5', 'table', '100', 'priority', '50')
  await until('the rule', () => hop() === '192.168.1.13')
  ip('rule', 'delete', 'priority', '50')
  await until('the route as before', () => hop() === '192.168.1.12')
  expect(director.logText()).not.toContain('the forwarding core could not be brought up to date')
})

test('the broadcast address of a network is no server, as long as it is one', () => {
  const add = (host: string) => director.ipvsadm(`ipvsadm -a -t 10.0.0.101:80 -r ${host} -m`)
  const refused = {
    status: 255,
    stdout: '',
    stderr: 'Invalid operation.  Possibly wrong module version, address not unicast, ...\n',
  }
  expect(director.ipvsadm('ipvsadm -A -t 10.0.0.101:80').status).toBe(0)
  ip('address', 'add', '10.1.0.1/16', 'broadcast', '+', 'dev', 'eth0')
  expect(add('10.1.255.255')).toEqual(refused)
  expect(add('10.1.255.254').status).toBe(0)
  ip('address', 'delete', '10.1.0.1/16', 'dev', 'eth0')
  expect(add('10.1.255.255').status).toBe(0)
})
