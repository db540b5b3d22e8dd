import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** Real servers that are the director itself, and listen on another port than the service's. */
const lab = new Lab()
const VIP = '10.0.0.100'
const VIP6 = 'fd00::100'
const OWN = '192.168.1.1'
const OWN6 = 'fd01::1'
/** Longer than what fits into one segment, or into any socket's buffer. */
const LONG = 800_000
let director: DirectorHost

/** A server that says its name, then as many bytes as the path says. */
async function serve(name: string, address: string, port: number): Promise<void> {
  const program = `require("node:http").createServer((request, response) => {
    response.end(${JSON.stringify(`${name}\n`)} + "x".repeat(Number(request.url.slice(1))))
  }).listen(${port}, ${JSON.stringify(address)})`
  lab.start('director', [process.execPath, '-e', program])
  const url = address.includes(':') ? `http://[${address}]:${port}/0` : `http://${address}:${port}/0`
  await until(`${name} to answer`, () => {
    try {
      return lab.run('director', ['curl', '-sg', '-m', '1', url]) !== ''
    } catch {
      return false
    }
  })
}

beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addHost('client', [{ switch: 'outside', address: '10.0.0.10/24' }])
  lab.addHost('director', [{ switch: 'outside', address: '10.0.0.1/24' }])
  for (const address of [`${VIP}/32`, `${OWN}/32`])
    lab.run('director', ['ip', 'address', 'add', address, 'dev', 'eth0'])
  for (const [host, addresses] of [
    ['client', ['fd00::10/64']],
    ['director', ['fd00::1/64', `${VIP6}/64`, `${OWN6}/128`]],
  ] as const) {
    for (const address of addresses) lab.run(host, ['ip', 'address', 'add', address, 'dev', 'eth0', 'nodad'])
  }
  await Promise.all([serve('own', OWN, 8080), serve('own6', OWN6, 8080), serve('other', OWN, 8081)])
  director = new DirectorHost(lab, 'director', '')
  await director.start()
})
afterAll(() => lab.destroy())

function run(...lines: readonly string[]): void {
  for (const line of lines) expect(director.ipvsadm(`ipvsadm ${line}`)).toEqual({ status: 0, stdout: '', stderr: '' })
}

const get = (host: string, bytes = 0) =>
  lab.run('client', ['curl', '-sg', '-m', '10', `http://${host}/${bytes}`]).replace(/x+$/, (all) => String(all.length))

test.each([
  ['IPv4', VIP, OWN, 'own'],
  ['IPv6', `[${VIP6}]`, `[${OWN6}]`, 'own6'],
])('serve by NAT, %s', (_family, vip, server, name) => {
  run('-C', `-A -t ${vip}:80 -s rr`, `-a -t ${vip}:80 -r ${server}:8080 -m`)
  for (let i = 0; i < 5; i++) expect(get(vip)).toBe(`${name}\n`)
  expect(get(vip, LONG)).toBe(`${name}\n${LONG}`)
  expect(director.ipvsadm('ipvsadm -Ln').stdout).toContain('8080')
})

test('take turns with another one, and connections stay at theirs', () => {
  run('-C', `-A -t ${VIP}:80 -s rr`, `-a -t ${VIP}:80 -r ${OWN}:8080 -m`, `-a -t ${VIP}:80 -r ${OWN}:8081 -m`)
  const answers = Array.from({ length: 6 }, () => get(VIP, 100_000))
  expect(answers.toSorted()).toEqual([...Array(3).fill('other\n100000'), ...Array(3).fill('own\n100000')])
  // Two requests on one connection.
  const both = lab.run('client', ['curl', '-s', '-m', '5', `http://${VIP}/0`, `http://${VIP}/0`])
  expect(['own\nown\n', 'other\nother\n']).toContain(both)
})

test('with nobody there, the client is refused, also when somebody has the port of the service', async () => {
  await serve('somebody', VIP, 80)
  run('-C', `-A -t ${VIP}:80 -s rr`, `-a -t ${VIP}:80 -r ${OWN}:9999 -m`)
  expect(() => get(VIP)).toThrow()
  run(`-e -t ${VIP}:80 -r ${OWN}:9999 -m -w 0`, `-a -t ${VIP}:80 -r ${OWN}:8080 -m`)
  expect(get(VIP)).toBe('own\n')
})

test('over UDP the log says that nobody gets an answer, and what to do', async () => {
  const said = () =>
    director
      .logText()
      .split('\n')
      .filter((line) => line.includes('is this director itself'))
  run('-C', `-A -u ${VIP}:53 -s rr`, `-a -u ${VIP}:53 -r ${OWN}:53 -m`, `-a -u ${VIP}:53 -r ${OWN}:5353 -m`)
  const [line] = await until('the log', () => said().length > 0 && said())
  expect(line).toContain(`real server [${OWN}]:5353 of VS [${VIP}]:udp:53 is this director itself`)
  expect(line).toContain('give it the port of the virtual server')
})
