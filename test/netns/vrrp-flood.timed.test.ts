import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InstanceSnapshot } from '../../src/control/snapshot.ts'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const INTERVAL_MS = 100
const RATE = 50_000
const COUNT = 5 * RATE

const lab = new Lab()
const config = (priority: number) => `vrrp_instance a {
  interface eth0
  virtual_router_id 51
  version 3
  advert_int ${INTERVAL_MS / 1000}
  priority ${priority}
  virtual_ipaddress { 10.0.0.100/24 }
}
`
const active = new DirectorHost(lab, 'active', config(150))
const standby = new DirectorHost(lab, 'standby', config(100))

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('active', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('standby', [{ switch: 'lan', address: '10.0.0.2/24' }])
  lab.addHost('attacker', [{ switch: 'lan', address: '10.0.0.66/24' }])
  await Promise.all([active.start(), standby.start()])
  await active.untilState('master')
  await standby.untilState('backup')
})
afterAll(() => lab.destroy())

const instance = async (director: DirectorHost): Promise<InstanceSnapshot> =>
  (await director.status()).instances[0] ?? expect.fail('no instance')

/** CPU time that the vrrp process has used, in ms. */
async function cpuOf(director: DirectorHost): Promise<number> {
  const stat = lab.run(director.host, ['cat', `/proc/${await director.pidOf('vrrp')}/stat`])
  const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number)
  return (user + system) * 10
}

// Strangers the kernel keeps out, and most of the garbage. What is damaged needs a look at each. A busy machine does not make as many.
test.each(['garbage', 'strangers', 'damaged'])(
  '50 000 packets of %s a second delay no advert, and move nobody',
  { retry: 2 },
  async (kind) => {
    const capture = await Capture.start(lab, 'lan', 'ip proto 112 and src host 10.0.0.1')
    const [before, cpu] = [await instance(standby), await cpuOf(standby)]
    const child = lab.fork('attacker', 'vrrp-sender-process.ts', ['10.0.0.66', '51', kind, `${COUNT}`, `${RATE}`])
    const [took] = (await once(child, 'message')) as [number]
    const used = (await cpuOf(standby)) - cpu
    const adverts = capture.adverts()
    capture.stop()
    const gaps = adverts.slice(1).map(({ at }, i) => at - (adverts[i]?.at ?? at))
    expect(adverts.length).toBeGreaterThan(40)
    expect(Math.max(...gaps)).toBeLessThan(2 * INTERVAL_MS)
    const after = await instance(standby)
    expect([after.state, after.since]).toEqual(['backup', before.since])
    expect((await instance(active)).state).toBe('master')
    await until('the flood to be told of', () =>
      /packets came in on eth0 while there were more|adverts on eth0 were lost|refused: checksum/.test(
        standby.logText(),
      ),
    )
    // With each of them looked at it would be a whole core.
    if (kind === 'strangers') expect(used / took).toBeLessThan(0.15)
  },
)
