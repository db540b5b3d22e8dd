import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const { SIGKILL, SIGSTOP, SIGTERM, SIGINT, SIGHUP } = constants.signals
const SIGNALS = Array.from({ length: 64 }, (_, i) => i + 1).filter((number) => number !== SIGKILL && number !== SIGSTOP)
const CONFIG = (priority: number) => `vrrp_instance web {
  interface eth0
  virtual_router_id 51
  priority ${priority}
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
let first: DirectorHost
let second: DirectorHost
beforeAll(async () => {
  lab = new Lab()
  lab.addSwitch('lan')
  for (const i of [1, 2]) lab.addHost(`director${i}`, [{ switch: 'lan', address: `10.0.0.${i}/24` }])
  first = new DirectorHost(lab, 'director1', CONFIG(150), [], { env: { TMPDIR: lab.directory } })
  second = new DirectorHost(lab, 'director2', CONFIG(100))
  // A debugger that somebody has asked for in their shell is not one for the daemon.
  process.env['NODE_OPTIONS'] = '--inspect=127.0.0.1:9229'
  await first.start()
  delete process.env['NODE_OPTIONS']
  await second.start()
  await first.untilState('master')
  await second.untilState('backup')
})
afterAll(() => lab.destroy())

/** What listens by TCP on a host. */
const listeners = (host: string) => lab.run(host, ['ss', '-Htln'])
const election = async () => {
  const [one, two] = [await first.status(), await second.status()]
  const of = ({ instances }: typeof one) =>
    instances.map(({ name, state, since, dropped }) => ({ name, state, since, dropped }))
  return { first: of(one), second: of(two), processes: one.processes.map(({ role, pid }) => ({ role, pid })) }
}
/** Waits for the process to take it; one that is held back on purpose is not waited for. */
const isPending = (pid: number, number: number) => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const has = (mask: string) =>
    (BigInt(`0x${new RegExp(`^${mask}:\\s+(\\w+)$`, 'm').exec(status)?.[1]}`) >> BigInt(number - 1)) & 1n
  return has('ShdPnd') === 1n && has('SigBlk') === 0n
}
const stateOf = (pid: number) => lab.run('director1', ['sh', '-c', `ps -o state= -p ${pid} || true`]).trim()

describe('no signal ends, stops or opens', () => {
  test('Node listens for no debugger that NODE_OPTIONS asks for', () => {
    expect(listeners('director1')).toBe('')
  })

  test.each(['director', 'vrrp', 'check'] as const)('the %s process', async (role) => {
    const pid = await first.pidOf(role)
    const before = await election()
    // These are the director's own: stop, and read the file again.
    const own: readonly number[] = role === 'director' ? [SIGTERM, SIGINT, SIGHUP] : []
    for (const number of SIGNALS.filter((each) => !own.includes(each))) {
      process.kill(pid, number)
      // Its effect is there when it has been delivered: nothing else is waited for.
      await until(`signal ${number} to be delivered`, () => !isPending(pid, number))
      expect(`${number}: ${stateOf(pid)}`).toMatch(/: [SR]/)
    }
    const sent = (await first.status()).instances[0]?.advertsSent ?? Infinity
    await until('another advert', async () => ((await first.status()).instances[0]?.advertsSent ?? 0) > sent)
    expect(await election()).toEqual(before)
    expect(listeners('director1')).toBe('')
  })

  test('the director has written the files that keepalived writes for some of them, once for each', () => {
    const written = [...first.logText().matchAll(/"msg":"wrote ([^"]+)"/g)].map(([, path = '']) => path)
    const names = ['data', 'stats', 'json', 'stats'].map((kind) => join(lab.directory, `keepalived.${kind}`))
    expect(written).toEqual(names)
    for (const path of names) expect(readFileSync(path, 'utf8')).toContain('web')
  })

  test('each of them holds SIGUSR1 back from the moment that Node reads its options', async () => {
    for (const role of ['director', 'vrrp', 'check'] as const) {
      expect(readFileSync(`/proc/${await first.pidOf(role)}/cmdline`, 'utf8').split('\0')).toContain(
        '--disable-sigusr1',
      )
    }
  })
})

test('SIGHUP reads the file again, SIGTERM stops in order', async () => {
  const { loadedAt } = (await first.status()).configuration
  process.kill(await first.pidOf('director'), 'SIGHUP')
  await until('a reload', async () => (await first.status()).configuration.loadedAt !== loadedAt)
  await first.stop()
  await second.untilState('master')
  expect(first.addresses()).not.toContain('10.0.0.100')
})
