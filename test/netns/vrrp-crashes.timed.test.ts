import { afterEach, beforeEach, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { Pings } from '../support/pings.ts'

/** What a client sees while the processes of a master are killed. */
let lab: Lab
let directors: readonly [DirectorHost, DirectorHost]
const VIP = '10.0.0.6'

const text = (priority: number) => `vrrp_instance x {
  interface eth0
  virtual_router_id 10
  priority ${priority}
  virtual_ipaddress {
    ${VIP}/16
  }
}
`

beforeEach(async () => {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('client', [{ switch: 'lan', address: '10.0.0.10/16' }])
  for (const i of [1, 2]) lab.addHost(`director${i}`, [{ switch: 'lan', address: `10.0.100.${i}/16` }])
  directors = [new DirectorHost(lab, 'director1', text(150)), new DirectorHost(lab, 'director2', text(100))]
  await Promise.all(directors.map((each) => each.start()))
  await directors[0].untilState('master')
})
afterEach(() => lab.destroy())

test('a vrrp process that is killed again and again is replaced each time, and no ping is lost', async () => {
  const [master, backup] = directors
  const pings = await Pings.start(lab, 'client', VIP)
  for (let killed = 1; killed <= 6; killed++) {
    process.kill(await master.pidOf('vrrp'), 'SIGKILL')
    const inRoles = () => master.logText().split('Entering MASTER STATE: adopted').length - 1
    await until('another process in its roles', () => inRoles() === killed)
  }
  expect(await pings.longestGap()).toBeLessThan(100)
  expect((await backup.status()).instances[0]?.becameMaster).toBe(0)
})
