import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
/** Nobody asks again within this test, once the first answers are there. */
const config = (warmup: number, more: string) => `virtual_server 10.0.0.100 80 {
  delay_loop 600
  warmup ${warmup}
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 192.168.1.11 80 {
    ${more}
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
}
`
let director: DirectorHost

beforeAll(async () => {
  lab.addSwitch('inside')
  lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
  lab.addHost('server', [{ switch: 'inside', address: '192.168.1.11/24' }], '192.168.1.1')
  director = new DirectorHost(lab, 'director', config(0, ''))
  await director.start()
})
afterAll(() => lab.destroy())

test('a reload that adds a checker in front of others does not bring up a server that they have found dead', async () => {
  const server = async () => (await director.status()).services[0]?.servers[0]
  await until('the first answer', async () => (await server())?.reason === 'ECONNREFUSED')
  director.configure(config(600, 'PING_CHECK {\n    }'))
  expect(await director.reload()).toEqual([])
  expect(await server()).toMatchObject({ state: 'down', reason: 'TCP_CHECK: ECONNREFUSED' })
  expect(director.ipvsadm('ipvsadm -Ln').stdout).not.toContain('192.168.1.11')
})
