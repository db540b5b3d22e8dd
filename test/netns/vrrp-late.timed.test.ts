import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'

const FROZEN_MS = 2000
/** Three intervals and the skew of priority 100. */
const DOWN_MS = 3000 + (156 * 1000) / 256

const config = (priority: number) => `vrrp_instance a {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  virtual_ipaddress { 10.0.0.100/24 }
}
`

test(
  'a backup that was frozen counts from when adverts came, not from when it read them',
  { retry: 2 },
  async ({ onTestFinished }) => {
    const lab = new Lab()
    onTestFinished(() => lab.destroy())
    lab.addSwitch('lan')
    lab.addHost('active', [{ switch: 'lan', address: '10.0.0.1/24' }])
    lab.addHost('standby', [{ switch: 'lan', address: '10.0.0.2/24' }])
    const [active, standby] = [
      new DirectorHost(lab, 'active', config(150)),
      new DirectorHost(lab, 'standby', config(100)),
    ]
    const capture = await Capture.start(lab, 'lan')
    await Promise.all([active.start(), standby.start()])
    await active.untilState('master')
    await standby.untilState('backup')
    // The director as well: it would take the other one for dead.
    const pids = [standby.pid ?? expect.fail('no director'), await standby.pidOf('vrrp')]
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    const last = await capture.next('10.0.0.1', Date.now())
    lab.cable('active', 0, 'down')
    await sleep(FROZEN_MS)
    for (const pid of pids.toReversed()) process.kill(pid, 'SIGCONT')
    const takeover = (await capture.next('10.0.0.2', last.at)).at - last.at
    expect(takeover).toBeGreaterThan(DOWN_MS - 50)
    expect(takeover).toBeLessThan(DOWN_MS + 500)
  },
)
