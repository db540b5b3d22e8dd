import { afterAll, beforeAll, expect, test } from 'vitest'
import { ControlClient } from '../../src/control/client.ts'
import { median } from '../bench/median.ts'
import { parse } from '../cli/ipvsadm-lines.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'

/** A director with about as many services as it has room for. */
const SERVICES = 1000
const lab = new Lab()
let director: DirectorHost
const vip = (i: number) => `172.19.${i >> 8}.${i & 255}`
const config = Array.from(
  { length: SERVICES },
  (_, i) => `virtual_server ${vip(i)} 80 {
  lvs_method NAT
  protocol TCP
  real_server 192.168.1.11 ${1000 + i} {
  }
  real_server 192.168.1.12 ${1000 + i} {
  }
}
`,
).join('')
beforeAll(async () => {
  lab.addSwitch('inside')
  lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
  director = new DirectorHost(lab, 'director', config)
  await director.start()
})
afterAll(() => lab.destroy())

async function milliseconds(what: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 5; i++) {
    const begun = performance.now()
    await what()
    times.push(performance.now() - begun)
  }
  return median(times)
}

test('asking for the status takes no longer than reading the file and comparing it with the core', async () => {
  const { services } = await director.status()
  expect(services).toHaveLength(SERVICES)
  expect(services.at(-1)?.servers.map(({ name }) => name)).toEqual(['[192.168.1.11]:1999', '[192.168.1.12]:1999'])
  const status = await milliseconds(() => director.status())
  expect(status).toBeLessThan(await milliseconds(() => director.reload()))
})

test('restoring three thousand lines takes no longer than thirty command lines do', async () => {
  const lines = Array.from({ length: SERVICES }, (_, i) => {
    const service = `-t ${vip(i)}:81`
    return `-A ${service} -s rr\n${[11, 12].map((host) => `-a ${service} -r 192.168.1.${host}:80 -m -w 1\n`).join('')}`
  })
  director.configure('')
  await director.reload()
  const begun = performance.now()
  expect(director.ipvsadm('ipvsadm-restore', lines.join(''))).toEqual({ status: 0, stdout: '', stderr: '' })
  const took = performance.now() - begun
  expect(director.ipvsadm('ipvsadm-save -n').stdout.split('\n')).toHaveLength(3 * SERVICES + 1)
  const one = await milliseconds(async () => {
    expect(director.ipvsadm(`ipvsadm -E -t ${vip(0)}:81 -s rr`).status).toBe(0)
  })
  expect(took).toBeLessThan(30 * one)
})

test('while many changes are carried out one by one, others are answered', async () => {
  const edits = Array.from({ length: 50 }, (_, i) => {
    const request = parse(`-e -t ${vip(i)}:81 -r 192.168.1.11:80 -m -w 2`)
    if (request.type !== 'change') throw new Error('an edit is a change')
    return request.command
  })
  const ended: string[] = []
  const change = async () => {
    const outcomes = await new ControlClient(director.socket).change(edits)
    ended.push('changes')
    return outcomes
  }
  const changing = change()
  await director.status()
  ended.push('status')
  expect(await changing).toEqual(edits.map(() => 'done'))
  expect(ended).toEqual(['status', 'changes'])
})
