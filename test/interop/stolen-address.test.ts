import { afterEach, expect, test } from 'vitest'
import type { Dump } from '../../src/control/dump.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'
import { Pings } from '../support/pings.ts'

/** Somebody removes a virtual address from the master by hand. */
const VIP = '10.0.0.6'
let lab: Lab
afterEach(() => lab.destroy())

const text = (priority: number) => `vrrp_instance x {
  interface eth0
  virtual_router_id 10
  priority ${priority}
  virtual_ipaddress {
    ${VIP}/16
  }
}
`

/** A pair and a client on a link of its own. */
function addPair(name: string): readonly [string, string] {
  lab.addSwitch(name)
  lab.addHost(`${name}0`, [{ switch: name, address: '10.0.0.10/16' }])
  for (const i of [1, 2]) lab.addHost(`${name}${i}`, [{ switch: name, address: `10.0.100.${i}/16` }])
  return [`${name}1`, `${name}2`]
}

async function lostAtRemoval(name: string): Promise<number> {
  const pings = await Pings.start(lab, `${name}0`, VIP)
  lab.run(`${name}1`, ['ip', 'address', 'delete', `${VIP}/16`, 'dev', 'eth0'])
  const begun = performance.now()
  await until('the time of a take-over', () => performance.now() - begun > 5000)
  return await pings.longestGap()
}

test('it is back within 100 ms, beside keepalived, and one that is taken away again and again is left to the peer', async () => {
  lab = new Lab()
  const [k1, k2] = addPair('keepalived')
  const keepalived = [new KeepalivedHost(lab, k1, text(150)), new KeepalivedHost(lab, k2, text(100))] as const
  for (const each of keepalived) each.start()
  await until('the address', () => keepalived[0].has(VIP))
  const theirs = await lostAtRemoval('keepalived')
  for (const each of keepalived) each.stop()

  const [t1, t2] = addPair('tanist')
  const [first, second] = [new DirectorHost(lab, t1, text(150)), new DirectorHost(lab, t2, text(100))]
  await Promise.all([first.start(), second.start()])
  await first.untilState('master')
  const ours = await lostAtRemoval('tanist')
  process.stdout.write(`a virtual address removed by hand: lost keepalived ${theirs} ms, tanist ${ours} ms\n`)
  expect(ours).toBeLessThan(100)
  expect((await first.status()).instances[0]).toMatchObject({ state: 'master', addressesRestored: 1 })

  for (let i = 2; i <= 10; i++) {
    // Away again before it is known to be back, it would be one time, not two.
    const restored = async () => (await first.status()).instances[0]?.addressesRestored
    await until('the address', async () => (await restored()) === i - 1 && first.addresses().includes(VIP))
    lab.run(t1, ['ip', 'address', 'delete', `${VIP}/16`, 'dev', 'eth0'])
  }
  await second.untilState('master')
  const [given] = (await first.status()).instances
  expect(given).toMatchObject({ state: 'fault', reason: `another program takes ${VIP} away again and again` })
  expect(given?.addressesRestored).toBe(9)
  expect(first.tanist('status').stdout).toContain('another program took an address away, put back 9 times')
  const { events } = JSON.parse(first.tanist('dump').stdout) as Dump
  const taken = events.filter(({ type }) => type === 'taken-away')
  expect(taken.map((each) => ({ ...each, at: '' }))).toEqual(
    taken.map(() => ({ at: '', type: 'taken-away', items: [`${VIP}/16 dev eth0`], outcome: 'put back' })),
  )
  expect(taken).toHaveLength(9)
})
