import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const VIP = '10.0.0.6'

const config = (priority: number, interval: number, more = '') => `vrrp_instance e {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int ${interval}
  ${more}
  virtual_ipaddress {
    ${VIP}/16
  }
}
`

async function pair(lab: Lab, interval: number, more = ''): Promise<readonly [DirectorHost, DirectorHost]> {
  lab.addSwitch('lan')
  for (const i of [1, 2]) lab.addHost(`director${i}`, [{ switch: 'lan', address: `10.0.100.${i}/16` }])
  const first = new DirectorHost(lab, 'director1', config(200, interval, more))
  const second = new DirectorHost(lab, 'director2', config(100, interval, more))
  await first.start()
  await first.untilState('master')
  await second.start()
  await second.untilState('backup')
  return [first, second]
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) process.kill(pid, name)
}

test.each([1, 0.1])(
  'a master that is frozen for 5 s at adverts every %d s gives the addresses up when it wakes, and comes back in order',
  async (interval) => {
    const lab = new Lab()
    try {
      const [first, second] = await pair(lab, interval)
      const { processes } = await first.status()
      const pids = processes.flatMap(({ pid }) => pid ?? [])
      signal(pids, 'SIGSTOP')
      await until('the successor', () => second.addresses().includes(VIP), 10_000)
      await sleep(5000)
      const woken = performance.now()
      signal(pids, 'SIGCONT')
      await until('one owner', () => !first.addresses().includes(VIP), 5000)
      const dualMs = performance.now() - woken
      console.log(`two owners for ${dualMs.toFixed(0)} ms after it woke, at adverts every ${interval} s`)
      expect(dualMs).toBeLessThan(1000)
      await first.untilState('master', 10_000)
      await until('the log', () => first.logText().includes('no advert for') && first.logText().includes('s late'))
      expect(first.logText()).toMatch(/sent no advert for \d+\.\d\d s: another router may be master by now/)
      expect(first.logText()).toMatch(/a timer came \d+\.\d\d s late/)
      await second.untilState('backup', 5000)
      const lateness = (await first.status()).processes.find(({ role }) => role === 'vrrp')?.lateness
      expect(lateness?.maxMs).toBeGreaterThan(4000)
    } finally {
      lab.destroy()
    }
  },
  60_000,
)

test('a backup that was frozen at adverts every 10 ms takes no role when it wakes', async () => {
  const lab = new Lab()
  try {
    const [first, second] = await pair(lab, 0.01, 'down_timer_adverts 20')
    const { processes } = await second.status()
    const pids = processes.flatMap(({ pid }) => pid ?? [])
    for (let i = 0; i < 3; i++) {
      signal(pids, 'SIGSTOP')
      await sleep(2000)
      signal(pids, 'SIGCONT')
      await sleep(1000)
    }
    expect(second.logText()).not.toContain('Entering MASTER')
    await first.untilState('master')
  } finally {
    lab.destroy()
  }
}, 60_000)

test('a master whose address is deleted says goodbye, and the peer waits for the skew time only', async () => {
  const lab = new Lab()
  try {
    const [first, second] = await pair(lab, 1)
    for (const command of [
      ['address', 'del', '10.0.100.1/16', 'dev', 'eth0'],
      ['address', 'flush', 'dev', 'eth0'],
    ]) {
      await first.untilState('master', 15_000)
      const begin = performance.now()
      lab.ip('director1', [command.join(' ')])
      await until('the successor', () => second.addresses().includes(VIP), 10_000)
      const took = performance.now() - begin
      console.log(`${command.join(' ')}: followed after ${took.toFixed(0)} ms`)
      expect(took).toBeLessThan(2000)
      lab.ip('director1', ['address replace 10.0.100.1/16 dev eth0'])
    }
  } finally {
    lab.destroy()
  }
}, 60_000)

test('two masters after a partition are known to both, and how long', async () => {
  const lab = new Lab()
  try {
    const [first, second] = await pair(lab, 1, 'dont_track_primary')
    const cut = (host: string, how: 'add' | 'delete') =>
      how === 'add'
        ? lab.run(host, [
            'nft',
            'add table ip cut; add chain ip cut in { type filter hook input priority 0; }; add rule ip cut in ip protocol 112 drop',
          ])
        : lab.run(host, ['nft', 'delete table ip cut'])
    for (const host of ['director1', 'director2']) cut(host, 'add')
    await until('two masters', () => second.addresses().includes(VIP), 15_000)
    const dual = async (director: DirectorHost) => (await director.status()).instances[0]?.dual
    cut('director1', 'delete')
    const since = await until('the one to know', async () => (await dual(first))?.now)
    expect(since).toMatchObject({ address: '10.0.100.2', priority: 100 })
    await sleep(2000)
    cut('director2', 'delete')
    await second.untilState('backup', 10_000)
    await until('the other to know', async () => (await dual(second))?.yielded === 1)
    expect(second.logText()).toContain('two masters: 10.0.100.1 with priority 200 is master, too; this one gives up')
    const seen = await until('it to be over', async () => {
      const known = await dual(first)
      return known !== undefined && known.now === undefined && known
    })
    expect(seen.times).toBe(1)
    expect(seen.seconds).toBeGreaterThan(0.9)
    expect(first.logText()).toMatch(/two masters: 10\.0\.100\.2 with priority 100 is master, too/)
    expect(first.logText()).toMatch(/no second master any more: 10\.0\.100\.2 was one for \d\.\d s/)
  } finally {
    lab.destroy()
  }
}, 60_000)
