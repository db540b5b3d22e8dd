import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'
import { ipvsadmHere } from './twins.ts'

/** What needs more of a kernel than the ones that Tanist is developed on have: VLANs, SCTP and IPsec, all with real ends. */
const CONF = join(import.meta.dirname, '../../conf')
const NAT = '172.18.100.6'
const DR = '172.18.100.7'
const TAGGED = '172.20.0.100'
const lab = new Lab()
let director: DirectorHost

beforeAll(async () => {
  for (const module of ['8021q', 'sctp', 'esp4']) execFileSync('modprobe', [module])
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '172.18.100.1/16' },
    { switch: 'inside', address: '192.168.10.1/24' },
  ])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  for (const vip of [NAT, DR]) lab.run('director', ['ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0'])
  addVlan('director', 'eth0', 7, '172.20.0.1/24')
  lab.run('director', ['ip', 'address', 'add', `${TAGGED}/32`, 'dev', 'eth0.7'])
  addVlan('director', 'eth1', 8, '192.168.20.1/24')
  lab.addHost('client', [{ switch: 'outside', address: '172.18.0.10/16' }])
  addVlan('client', 'eth0', 7, '172.20.0.10/24')
  for (const host of [11, 12]) {
    lab.addHost(`nat${host}`, [{ switch: 'inside', address: `192.168.10.${host}/24` }], '192.168.10.1')
    addVlan(`nat${host}`, 'eth0', 8, `192.168.20.${host}/24`)
    lab.run(`nat${host}`, ['ip', 'route', 'add', '172.20.0.0/24', 'via', '192.168.20.1'])
    lab.addHost(`dr${host}`, [{ switch: 'outside', address: `172.18.100.${host}/16` }])
    lab.run(`dr${host}`, [join(CONF, 'real-server-dr.sh'), 'start', DR])
    for (const name of [`nat${host}`, `dr${host}`]) {
      await new WebServer(lab, name).start()
      lab.start(name, ['socat', 'SCTP4-LISTEN:3868,fork,reuseaddr', `SYSTEM:echo ${name}`])
    }
  }
  director = new DirectorHost(lab, 'director', '')
  await director.start(120_000)
})
afterAll(() => lab.destroy())

function addVlan(host: string, device: string, id: number, address: string): void {
  const name = `${device}.${id}`
  lab.run(host, ['ip', 'link', 'add', 'link', device, 'name', name, 'type', 'vlan', 'id', String(id)])
  lab.run(host, ['ip', 'address', 'add', address, 'dev', name])
  lab.run(host, ['ip', 'link', 'set', name, 'up'])
}

const ipvsadm = (line: string) => ipvsadmHere(director.socket, `ipvsadm ${line}`)
async function run(...lines: readonly string[]): Promise<void> {
  for (const line of lines) expect(await ipvsadm(line)).toEqual({ status: 0, stdout: '', stderr: '' })
}
const curl = (url: string) => lab.run('client', ['curl', '-s', '-m', '20', url]).trim()
const sctp = (vip: string) => lab.run('client', ['socat', '-u', '-T20', `SCTP4-CONNECT:${vip}:3868`, '-']).trim()
const twice = (ask: () => string) => [ask(), ask()].toSorted()

test('no kernel that has tcx: the program is on clsact', () => {
  expect(lab.run('director', ['tc', 'filter', 'show', 'dev', 'eth0', 'ingress'])).toMatch(/bpf.* direct-action/)
})

test('tagged frames: clients and servers in VLANs, tagged and untagged mixed', async () => {
  await run('-C', `-A -t ${TAGGED}:80 -s rr`)
  for (const host of [11, 12]) await run(`-a -t ${TAGGED}:80 -r 192.168.20.${host} -m`)
  expect(twice(() => curl(`http://${TAGGED}/`))).toEqual(['nat11', 'nat12'])
  const filters = lab.run('director', ['tc', 'filter', 'show', 'dev', 'eth0.7', 'ingress'])
  expect(filters).toMatch(/bpf.* direct-action/)
  // From the VLAN to servers without, and the other way round.
  await run(`-C`, `-A -t ${TAGGED}:80 -s rr`, `-a -t ${TAGGED}:80 -r 192.168.10.11 -m`, `-A -t ${NAT}:80 -s rr`)
  await run(`-a -t ${NAT}:80 -r 192.168.20.12 -m`)
  lab.run('nat11', ['ip', 'route', 'replace', '172.20.0.0/24', 'via', '192.168.10.1'])
  lab.run('nat12', ['ip', 'route', 'replace', '172.18.0.0/16', 'via', '192.168.20.1'])
  expect([curl(`http://${TAGGED}/`), curl(`http://${NAT}/`)]).toEqual(['nat11', 'nat12'])
  lab.run('nat12', ['ip', 'route', 'delete', '172.18.0.0/16'])
})

test.each([
  ['NAT', NAT, '-m', ['192.168.10.11', '192.168.10.12'], ['nat11', 'nat12']],
  ['direct routing', DR, '-g', ['172.18.100.11', '172.18.100.12'], ['dr11', 'dr12']],
] as const)('SCTP associations: %s', async (_name, vip, method, servers, names) => {
  await run('-C', `-A --sctp-service ${vip}:3868 -s rr`)
  for (const server of servers) await run(`-a --sctp-service ${vip}:3868 -r ${server} ${method}`)
  expect(twice(() => sctp(vip))).toEqual(names)
  expect((await ipvsadm('-Ln --stats')).stdout).toMatch(new RegExp(`SCTP ${vip}:3868 +2 `))
})

test('IPsec follows its key exchange to one server', async () => {
  // One key for both ways and both servers, as if the exchange had made it.
  const ends = ['172.18.0.10', DR] as const
  for (const host of ['client', 'dr11', 'dr12']) {
    for (const [i, [from, to]] of [ends, ends.toReversed() as unknown as typeof ends].entries()) {
      const id = ['src', from, 'dst', to, 'proto', 'esp', 'spi', `0x10${i}`] as const
      const keys = ['auth', 'hmac(sha1)', `0x${'11'.repeat(20)}`, 'enc', 'cbc(aes)', `0x${'22'.repeat(16)}`] as const
      lab.run(host, ['ip', 'xfrm', 'state', 'add', ...id, 'mode', 'transport', ...keys])
      const direction = (host === 'client') === (i === 0) ? 'out' : 'in'
      const wanted = ['src', from, 'dst', to, 'proto', 'tcp', 'dir', direction] as const
      const how = ['tmpl', 'proto', 'esp', 'mode', 'transport'] as const
      lab.run(host, ['ip', 'xfrm', 'policy', 'add', ...wanted, ...how])
    }
  }
  await run('-C', `-A -u ${DR}:0 -s rr -p 300`)
  for (const host of [11, 12]) await run(`-a -u ${DR}:0 -r 172.18.100.${host} -g`)
  lab.run('client', ['socat', '-u', 'SYSTEM:echo key exchange', `UDP4-SENDTO:${DR}:500,sourceport=500`])
  const exchanged = await until('the key exchange', async () =>
    /UDP .* 172\.18\.0\.10:500 .* 172\.18\.100\.1([12]):500/.exec((await ipvsadm('-Lnc')).stdout),
  )
  const pages = [1, 2, 3].map(() => curl(`http://${DR}/`))
  expect(pages).toEqual(pages.map(() => `dr1${exchanged?.[1] ?? ''}`))
  // Nothing else than the exchange and ESP has come by: TCP has no service.
  expect((await ipvsadm('-Lnc')).stdout).not.toContain(`${DR}:80 `)
})
