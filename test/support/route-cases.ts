import { once } from 'node:events'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { PORT, serverAddress, type Twin, VIP } from '../kernels/twins.ts'
import { Capture } from './capture.ts'
import { type Lab, until } from './lab.ts'

const CLIENT = '172.18.0.1'
const SERVER = serverAddress(11)
const ECHO = '7'
/** Echoes whose datagrams may be fragmented on their way: Linux sends others, unless told. */
const LOOSE = '9'
const VIP6 = 'fd00:18::6'
const SERVER6 = 'fd00:10::11'
const CLIENT6 = 'fd00:18::10'

/** Addresses of IPv6 beside those of the twin, long frames inside, and services: echoes in both families, and picks. */
async function prepare(lab: Lab, twin: Twin): Promise<void> {
  await twin.start()
  const { name } = twin
  const [client, servers] = [`c-${name}`, `s-${name}`]
  const add6 = (host: string, device: string, address: string, ...more: readonly string[]) =>
    lab.run(host, ['ip', 'address', 'add', address, 'dev', device, 'nodad', ...more])
  add6(client, 'eth0', `${CLIENT6}/64`)
  add6(name, 'eth0', 'fd00:18::1/64')
  add6(name, 'eth0', `${VIP6}/128`, 'preferred_lft', '0')
  add6(name, 'eth1', 'fd00:10::1/64')
  add6(servers, 'eth0', `${SERVER6}/64`)
  lab.run(servers, ['ip', 'route', 'add', 'default', 'via', 'fd00:10::1'])
  lab.run(name, ['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1'])
  // Links for long frames inside, so that servers may answer with what is too long for clients.
  for (const [host, device] of [
    ['switch', `in-${name}`],
    ['switch', `${name}-1`],
    ['switch', `${servers}-0`],
    [name, 'eth1'],
    [servers, 'eth0'],
  ] as const)
    lab.run(host, ['ip', 'link', 'set', device, 'mtu', '9000'])
  await once(lab.fork(servers, 'udp-echo.ts', [ECHO, SERVER, SERVER6]), 'message')
  const loose = `UDP4-RECVFROM:${LOOSE},bind=${SERVER},fork,reuseaddr,mtudiscover=0`
  lab.start(servers, ['socat', '-b', '9000', loose, 'EXEC:cat'])
  for (const line of [
    `ipvsadm -A -u ${VIP}:${ECHO} -s rr`,
    `ipvsadm -a -u ${VIP}:${ECHO} -r ${SERVER} -m`,
    `ipvsadm -A -u [${VIP6}]:${ECHO} -s rr`,
    `ipvsadm -a -u [${VIP6}]:${ECHO} -r [${SERVER6}]:${ECHO} -m`,
    `ipvsadm -A -u ${VIP}:${LOOSE} -s rr`,
    `ipvsadm -a -u ${VIP}:${LOOSE} -r ${SERVER}:${LOOSE} -m`,
    `ipvsadm -A -t ${VIP}:80 -s rr`,
    `ipvsadm -a -t ${VIP}:80 -r ${SERVER}:${PORT} -m`,
    `ipvsadm -A -u ${VIP}:80 -s rr`,
    `ipvsadm -a -u ${VIP}:80 -r ${SERVER}:${PORT} -m`,
  ])
    expect(await twin.ipvsadm(line)).toEqual({ status: 0, stdout: '', stderr: '' })
}

let port = 30_000
/** One datagram from a new port, unless it is known to be too long; `discover`: 0 may be fragmented, 2 must not (ip(7), IP_MTU_DISCOVER). */
function send(lab: Lab, from: string, to: string, bytes: number, discover: 0 | 2): void {
  const where = to.includes(':') ? `UDP6-SENDTO:[${to}]:${ECHO}` : `UDP4-SENDTO:${to}:${ECHO},mtudiscover=${discover}`
  lab.run(from, ['sh', '-c', `head -c ${bytes} /dev/zero | socat -u -b 9000 - ${where},sourceport=${port++} || true`])
}
/** What a datagram of so many bytes to an echo server comes back as. */
const echo = (lab: Lab, from: string, bytes: number, to = ECHO) =>
  lab.run(from, [process.execPath, join(import.meta.dirname, 'udp-request-process.ts'), VIP, to, `${bytes}`]).trim()

/**
 * How long after one try an error may be expected from the next. Linux takes two allowances for it from one purse, which fills by one a
 * second (for a route that says no, and for the ICMP message itself), so whoever asks more often than every two seconds gets none, for ever.
 */
const ALLOWANCE_MS = 2500

/** The first error that is seen on a switch when something is done, which may be necessary more than once: errors are rationed. */
async function errorOn(lab: Lab, name: string, act: () => void, wanted: RegExp): Promise<string> {
  const seen = await Capture.start(lab, name, 'icmp or icmp6 and not (ip6[40] >= 128)')
  try {
    let next = 0
    return await until(`an error like ${wanted}`, () => {
      if (performance.now() >= next) {
        act()
        next = performance.now() + ALLOWANCE_MS
      }
      return wanted.exec(seen.text)?.[1]
    })
  } finally {
    seen.stop()
  }
}

/** What the routes of a director mean to clients and servers, and the director as a client of its own. */
export function describeRoutes(lab: Lab, twin: Twin): void {
  describe(twin.name, () => {
    const { name } = twin
    beforeAll(() => prepare(lab, twin))
    const client = `c-${name}`
    const ip = (...args: readonly string[]) => lab.run(name, ['ip', ...args])

    test('a first answer that is longer than the link to its client, and may be fragmented', async () => {
      await until('the server', () => echo(lab, client, 10, LOOSE) === 'whole')
      expect(echo(lab, client, 4000, LOOSE)).toBe('whole')
    })

    test('one that may not: its server is told, and sends shorter ones', async () => {
      const wanted = /192\.168\.10\.11: ICMP \S+ unreachable - need to frag \(mtu (\d+)\)/
      expect(await errorOn(lab, `in-${name}`, () => echo(lab, client, 4000), wanted)).toBe('1500')
      expect(echo(lab, client, 4000)).toBe('whole')
    })

    test.each(['unreachable', 'blackhole', 'prohibit'])('a route to the server that is %s', async (kind) => {
      ip('route', 'add', kind, SERVER)
      ip('route', 'add', kind, SERVER6)
      const said = await errorOn(
        lab,
        `out-${name}`,
        () => send(lab, client, VIP, 10, 0),
        /172\.18\.0\.1: (ICMP .*), length/,
      )
      expect(said).toBe(`ICMP host ${VIP} unreachable`)
      const said6 = await errorOn(lab, `out-${name}`, () => send(lab, client, VIP6, 10, 0), /fd00:18::10: .*(ICMP6.*)/)
      expect(said6).toBe(`ICMP6, destination unreachable, unreachable address ${VIP6}`)
      ip('route', 'delete', SERVER)
      ip('route', 'delete', SERVER6)
      await until('the server to be there again', () => echo(lab, client, 10) === 'whole')
    })

    test("a route's own MTU to the server", async () => {
      ip('route', 'add', `${SERVER}/32`, 'dev', 'eth1', 'mtu', '1400')
      ip('route', 'add', `${SERVER6}/128`, 'dev', 'eth1', 'mtu', '1400')
      const wanted = /172\.18\.0\.1: (ICMP .*), length/
      const said = await errorOn(lab, `out-${name}`, () => send(lab, client, VIP, 1420, 2), wanted)
      expect(said).toBe(`ICMP ${VIP} unreachable - need to frag (mtu 1400)`)
      const said6 = await errorOn(
        lab,
        `out-${name}`,
        () => send(lab, client, VIP6, 1420, 0),
        /fd00:18::10: .*(ICMP6.*)/,
      )
      expect(said6).toBe('ICMP6, packet too big, mtu 1400')
      const pieces = await Capture.start(lab, `in-${name}`, `src ${CLIENT}`)
      send(lab, client, VIP, 1420, 0)
      const first = await until(
        'fragments',
        () => /flags \[\+\], proto UDP \(17\), length (\d+)/.exec(pieces.text)?.[1],
      )
      expect(first).toBe('1396')
      pieces.stop()
      ip('route', 'delete', `${SERVER}/32`)
      ip('route', 'delete', `${SERVER6}/128`)
    })

    test.each([
      [
        'unreachable',
        /192\.168\.10\.11: (ICMP host) 172\.18\.0\.\d+ unreachable,/,
        /fd00:10::11: .*(unreachable route)/,
      ],
      [
        'prohibit',
        /192\.168\.10\.11: (ICMP host) \S+ unreachable - admin prohibited/,
        /fd00:10::11: .*(unreachable prohib)/,
      ],
    ] as const)('a route to the client that is %s', async (kind, wanted, wanted6) => {
      for (const prefix of ['172.18.0.0/25', 'fd00:18::10/128']) ip('route', 'add', kind, prefix)
      await errorOn(lab, `in-${name}`, () => send(lab, client, VIP, 10, 0), wanted)
      await errorOn(lab, `in-${name}`, () => send(lab, client, VIP6, 10, 0), wanted6)
      for (const prefix of ['172.18.0.0/25', 'fd00:18::10/128']) ip('route', 'delete', prefix)
    })

    test('a route to the client that swallows packets', async () => {
      const [inside, outside] = [
        await Capture.start(lab, `in-${name}`, 'udp or icmp'),
        await Capture.start(lab, `out-${name}`, `src ${VIP}`),
      ]
      ip('route', 'add', 'blackhole', '172.18.0.0/25')
      for (const answers of [1, 2]) {
        send(lab, client, VIP, 10, 0)
        await until('answers', () => inside.text.split(`${SERVER}.${ECHO} > `).length > answers)
      }
      ip('route', 'delete', '172.18.0.0/25')
      await until('an answer once it is gone', () => echo(lab, client, 10) === 'whole')
      expect(inside.text).not.toContain('ICMP')
      // The first packet that has come out is of the last question.
      const seen = () => outside.text.split('\n').filter((line) => line.includes(' > '))
      await until('it to be seen', () => seen().length > 0)
      expect(seen()).toHaveLength(1)
      for (const capture of [inside, outside]) capture.stop()
    })

    test("a locked MTU of a route to the client: the server's long datagrams are cut", async () => {
      ip('route', 'add', '172.18.0.0/25', 'dev', 'eth0', 'mtu', 'lock', '1300')
      const pieces = await Capture.start(lab, `out-${name}`, `src ${VIP}`)
      expect(echo(lab, client, 4000, LOOSE)).toBe('whole')
      const first = await until(
        'fragments',
        () => /flags \[\+\], proto UDP \(17\), length (\d+)/.exec(pieces.text)?.[1],
      )
      expect(first).toBe('1300')
      pieces.stop()
      ip('route', 'delete', '172.18.0.0/25')
    })

    test.each([
      ['TCP', `TCP4:${VIP}:80`],
      ['UDP', `UDP4:${VIP}:80`],
    ])('the director as its own client: %s', async (protocol, to) => {
      for (const [source, bind] of [
        [VIP, ''],
        ['172.18.100.1', ',bind=172.18.100.1'],
      ] as const) {
        const from = `sourceport=${port}`
        const shell = `echo who | socat -T3 -t3 - ${to}${bind},${from}`
        const answer = lab.run(name, ['timeout', '20', 'sh', '-c', shell])
        expect(answer).toContain(SERVER)
        const { stdout } = await twin.ipvsadm('ipvsadm -Lnc')
        expect(stdout).toMatch(new RegExp(`${protocol} \\S+ +\\S+ +${source}:${port} +${VIP}:80 +${SERVER}:${PORT}`))
        port++
      }
    })
  })
}
