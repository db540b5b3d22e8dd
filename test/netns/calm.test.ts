import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** A director with as many services and servers as it has room for, while the network around it changes all the time. */
const SERVICES = 1021
const SERVERS = 4
const STORM_MS = 5000
const lab = new Lab()
let director: DirectorHost
let pid: number
/** Each server has an address of its own. */
const server = (i: number) => `10.64.${i >> 8}.${i & 255}`
const vip = (i: number) => `172.19.${i >> 8}.${i & 255}`
const config = Array.from(
  { length: SERVICES },
  (_, i) => `virtual_server ${vip(i)} 80 {
  lvs_method NAT
  protocol TCP
${Array.from({ length: SERVERS }, (__, j) => `  real_server ${server(SERVERS * i + j)} 80 {\n  }\n`).join('')}}
`,
).join('')

beforeAll(async () => {
  lab.addSwitch('inside')
  lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
  lab.run('director', ['ip', 'route', 'add', '10.64.0.0/16', 'via', '192.168.1.11'])
  director = new DirectorHost(lab, 'director', config)
  await director.start()
  pid = await director.pidOf('director')
}, 120_000)
afterAll(() => lab.destroy())

/** Milliseconds of a processor that the director has used so far. */
function used(): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return 10 * (Number(fields[11]) + Number(fields[12])) // ticks of 10 ms
}

/** Which part of a processor it takes while something happens. */
async function share(meanwhile: () => Promise<unknown>): Promise<number> {
  const [before, begun] = [used(), performance.now()]
  await meanwhile()
  return (used() - before) / (performance.now() - begun)
}

/** By which neighbour a new client's packet would go to the first server. */
const hop = () => /next hop +(\S+)/.exec(director.tanist('trace', '192.168.1.9', '172.19.0.0:80').stdout)?.[1]
const ip = (...args: readonly string[]) => lab.run('director', ['ip', ...args])

/** Hundreds of changes a second; `lines` are of `ip -batch`. */
async function storm(lines: readonly string[]): Promise<void> {
  const shell = `while :; do printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}; done | ip -force -batch -`
  const child = lab.start('director', ['sh', '-c', shell])
  await sleep(STORM_MS)
  child.kill('SIGKILL')
  for (const each of lab.run('director', ['sh', '-c', 'pgrep -x ip --ns $$ --nslist net || true']).split('\n'))
    if (each !== '') process.kill(Number(each), 'SIGKILL')
}

const STORMS = [
  ['routes to others', ['route replace 10.99.0.0/16 via 192.168.1.12', 'route replace 10.99.0.0/16 via 192.168.1.13']],
  ['neighbours', ['neigh replace 192.168.1.77 lladdr 02:00:00:00:00:01 dev eth0', 'neigh del 192.168.1.77 dev eth0']],
  [
    'the route to all servers',
    ['route replace 10.64.0.0/16 via 192.168.1.12', 'route replace 10.64.0.0/16 via 192.168.1.11'],
  ],
  ['addresses', ['addr add 172.30.0.1/32 dev eth0', 'addr del 172.30.0.1/32 dev eth0']],
  ['links', ['link add storm type dummy', 'link set storm up', 'link del storm']],
] as const

test.each(STORMS)('a storm of changes of %s takes little, and is over when it is over', async (_name, lines) => {
  // All of a processor if every change were followed. How many come in a second is the machine's own: up to 0.63 was seen.
  expect(await share(() => storm(lines))).toBeLessThan(0.8)
  await until('it to be calm', async () => (await share(() => sleep(1000))) < 0.1)
})

test('after a storm the last state counts', async () => {
  ip('route', 'replace', '10.64.0.0/16', 'via', '192.168.1.14')
  await until('the last route', () => hop() === '192.168.1.14')
})
