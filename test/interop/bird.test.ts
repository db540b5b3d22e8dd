import { expect, test } from 'vitest'
import { BirdHost } from '../support/bird.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'

const TIMERS = 'min_rx 60\n min_tx 50\n multiplier 3'
const TANIST = `bfd_instance v4 {
  neighbor_ip 10.0.0.2
  ${TIMERS}
}
bfd_instance v6 {
  neighbor_ip fd00::2
  ${TIMERS}
}
bfd_instance far {
  neighbor_ip 10.0.0.2
  source_ip 10.0.0.1
  multihop
  ${TIMERS}
}
`
const BIRD = `router id 10.0.0.2;
protocol device {}
protocol bfd {
  interface "eth0" { min rx interval 40 ms; min tx interval 80 ms; idle tx interval 1 s; multiplier 4; };
  multihop { min rx interval 40 ms; min tx interval 80 ms; idle tx interval 1 s; multiplier 4; };
  neighbor 10.0.0.1 dev "eth0" local 10.0.0.2;
  neighbor fd00::1 dev "eth0" local fd00::2;
  neighbor 10.0.0.1 local 10.0.0.2 multihop yes;
}
`

test('three sessions with BIRD are up on both sides, find a cut, and come up again', async ({ onTestFinished }) => {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  lab.addSwitch('lan')
  for (const [i, name] of ['tanist', 'bird'].entries()) {
    lab.addHost(name, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
    lab.ip(name, [`addr add fd00::${i + 1}/64 dev eth0 nodad`])
  }
  const tanist = new DirectorHost(lab, 'tanist', TANIST)
  const bird = new BirdHost(lab, 'bird')
  bird.start(BIRD)
  await tanist.start()
  const ours = async () => (await tanist.status()).bfdSessions
  const all = <T>(each: T) => [each, each, each]
  const theirs = (state: string) => ({ '10.0.0.1 eth0': state, 'fd00::1 eth0': state, '10.0.0.1 ---': state })
  const options = { timeout: 30_000 }

  const up = { state: 'up', transmitMs: 50, detectMs: 4 * 80, remote: { state: 'up' }, dropped: {} }
  await expect.poll(ours, options).toMatchObject(all(up))
  await expect.poll(() => bird.sessions(), options).toEqual(theirs('Up'))
  lab.cable('bird', 0, 'down')
  await expect.poll(ours, options).toMatchObject(all({ state: 'down', diagnostic: 1, wentDown: 1 }))
  await expect.poll(() => bird.sessions(), options).toEqual(theirs('Down'))
  lab.cable('bird', 0, 'up')
  await expect.poll(ours, options).toMatchObject(all(up))
  await expect.poll(() => bird.sessions(), options).toEqual(theirs('Up'))

  await tanist.stop()
  await expect.poll(() => bird.sessions(), options).toEqual(theirs('Down'))
})
