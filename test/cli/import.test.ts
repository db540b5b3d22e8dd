import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { importSaved } from '../../src/cli/import.ts'
import { collectDiagnostics } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { formatSave } from '../../src/ipvsadm/format.ts'
import { numbers } from '../../src/ipvsadm/names.ts'
import type { ListedService } from '../../src/model/ipvs-listing.ts'
import { type Forwarding, type ServiceId, serviceName } from '../../src/model/service.ts'
import { type Endpoint, endpointName } from '../../src/model/endpoint.ts'
import { address } from '../bpf/packets.ts'
import { surroundings } from '../support/surroundings.ts'

function run(text: string) {
  const { diagnostics, report } = collectDiagnostics()
  const ports: Readonly<Record<string, number>> = { http: 80, domain: 53 }
  const blocks = importSaved({ name: 'rules', text }, (name) => ports[name], report)
  return { blocks, messages: diagnostics.map(({ at, message }) => `${text.slice(at.start, at.end)}: ${message}`) }
}

test('imported services are printed as virtual_server blocks', () => {
  const { blocks, messages } = run(
    '-A -t 10.0.0.100:80 -s wrr -p 360\n-a -t 10.0.0.100:80 -r 192.168.1.11:8080 -m -w 3\n-a -t 10.0.0.100:80 -r 192.168.1.12:80 -g -w 1\n',
  )
  expect(messages).toEqual([])
  expect(blocks).toBe(`virtual_server 10.0.0.100 80 {
  protocol TCP
  persistence_timeout 360
  lvs_sched wrr
  lvs_method NAT
  real_server 192.168.1.11 8080 {
    weight 3
  }
  real_server 192.168.1.12 80 {
    lvs_method DR
    weight 1
  }
}
`)
})

/** What ipvsadm 1.31 writes for services of every kind. */
const saved = `# comment
-A -t 10.0.0.100:0 -s sh -p 600 -M 255.255.255.0 -b sh-fallback,sh-port
-a -t 10.0.0.100:0 -r 192.168.1.11:0 -m -w 1
-A -t 10.0.0.100:http -s wlc
-a -t 10.0.0.100:http -r 192.168.1.11:http -g -w 1
-a -t 10.0.0.100:http -r 192.168.1.12:8080 -m -w 5
-a -t 10.0.0.100:http -r 192.168.1.13:80 -i -w 2 --tun-type ipip
-A -t 10.0.0.100:8080 -s mh -b mh-port
-a -t 10.0.0.100:8080 -r 192.168.1.21:8080 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 10.0.0.100:8080 -r 192.168.1.24:8080 -i -w 1 --tun-type gre --tun-csum
-A -u 10.0.0.100:53 -s rr -o
-A -u 10.0.0.100:5060 -s rr -p 60 --pe sip
-A --sctp-service 10.0.0.100:3868 -s mh -b mh-port
-A -t [fd00::100]:80 -s wlc
-a -t [fd00::100]:80 -r [fd00::11]:80 -g -w 1
-A -f 10 -s lblc
-a -f 10 -r 192.168.1.11:0 -g -w 1
-A -f 11 -6 -s rr -p 120 -M 64
`

test('a configuration with the imported blocks has every service that ipvsadm-save wrote', () => {
  const { blocks, messages } = run(saved)
  expect(messages).toEqual([])
  const { settings, diagnostics } = loadConfig({ name: 'x', text: blocks }, surroundings())
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  const services = settings.virtual_server.map(({ id, lvs_sched: scheduler, real_server: servers }) => [
    id.by === 'address' ? `${id.address} ${id.port ?? 0}` : id.by === 'fwmark' ? id.fwmark : '',
    scheduler,
    servers.map((server) => `${server.id.address} ${server.id.port ?? 0} ${server.weight}`),
  ])
  expect(services).toEqual([
    ['10.0.0.100 0', 'sh', ['192.168.1.11 0 1']],
    ['10.0.0.100 80', 'wlc', ['192.168.1.11 80 1', '192.168.1.12 8080 5', '192.168.1.13 80 2']],
    ['10.0.0.100 8080', 'mh', ['192.168.1.21 8080 1', '192.168.1.24 8080 1']],
    ['10.0.0.100 53', 'rr', []],
    ['10.0.0.100 5060', 'rr', []],
    ['10.0.0.100 3868', 'mh', []],
    ['fd00::100 80', 'wlc', ['fd00::11 80 1']],
    [10, 'lblc', ['192.168.1.11 0 1']],
    [11, 'rr', []],
  ])
  expect(settings.virtual_server[0]).toMatchObject({
    persistence_timeout: { value: 600 },
    persistence_granularity: 24,
    'sh-fallback': true,
    'sh-port': true,
  })
  expect(
    settings.virtual_server[2]?.real_server[0]?.lvs_method ?? settings.virtual_server[2]?.lvs_method,
  ).toMatchObject({
    method: 'TUN',
    type: 'gue',
    port: 6080,
    nocsum: true,
  })
})

describe('a line of a save file that cannot be imported is reported at the word that is wrong', () => {
  test.each([
    ['-A -t 10.0.0.100:21 -s none', '-s: a service without a scheduler'],
    ['-A -t example.com:80 -s rr', 'example.com:80: expected an address'],
    ['-A -t 10.0.0.1:nonsense', '10.0.0.1:nonsense: expected a port'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.2:80', '-a: this service was not added before'],
    ['-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -w 1', "-a: You need to supply the 'real-server' option"],
    ['-A -t 10.0.0.1:80 --what', '--what: --what: unknown option'],
    ['-D -t 10.0.0.1:80', '-D: expected `-A` or `-a`'],
    ['nonsense', 'nonsense: expected `-A` or `-a`'],
    ['-A -f x', "x: invalid fwmark value `x' specified"],
    ['-A', "-A: You need to supply the 'service-address' option"],
    ['-A -t 10.0.0.1:80 -s fastest', '-s: there is no such scheduler or persistence engine'],
    ['-A -u 10.0.0.1:80 -p --pe rtp', '--pe: there is no such scheduler or persistence engine'],
    ['-A -t 10.0.0.1:80 -w 3', "-w: Illegal 'weight' option"],
    ['-A -t 10.0.0.1:80 -p 0', "0: invalid timeout value `0' specified"],
    ['-A -t 10.0.0.1:80 -s rr -b sh-port', '-b: incompatible scheduler flag'],
    ['-A -t 10.0.0.1:80 -o', '-o: One-Packet Scheduling is only for UDP'],
    ['-A -f 1\n-A -f 1', '-f: this service was added before'],
    ['-A -f 1\n-a -f 1 -r 10.0.0.2:80\n-a -f 1 -r 10.0.0.2:80', '-r: this server was added before'],
    ['-A -f 1\n-a -f 1 -m -r 10.0.0.2:80', '-r: in a configuration, servers of a firewall mark get the port'],
  ])('%j', (text, message) => expect(run(text).messages.join('\n')).toContain(message))
})

const v4 = (net: string) => fc.integer({ min: 1, max: 254 }).map((host) => address(`${net}.${host}`))
const v6 = fc.integer({ min: 1, max: 0xffff }).map((host) => address(`fd00::${host.toString(16)}`))
const anyPort = fc.integer({ min: 1, max: 65_535 })

const idOf = (ipv6: boolean): fc.Arbitrary<ServiceId> =>
  fc.oneof(
    fc.record({
      by: fc.constant('address' as const),
      vip: fc.record({ address: ipv6 ? v6 : v4('10.0.0'), port: fc.oneof(fc.constant(0), anyPort) }),
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const),
    }),
    fc.record({
      by: fc.constant('fwmark' as const),
      mark: fc.integer({ min: 1, max: 0xffffffff }),
      family: fc.constant(ipv6 ? ('inet6' as const) : ('inet' as const)),
    }),
  )

const forwarding: fc.Arbitrary<Forwarding> = fc.oneof(
  fc.constantFrom<Forwarding>({ method: 'NAT' }, { method: 'FNAT' }, { method: 'DR' }),
  fc.constantFrom<Forwarding>({ method: 'TUN', tunnel: { type: 'ipip' } }),
  fc.record({
    method: fc.constant('TUN' as const),
    tunnel: fc.oneof(
      fc.record({ type: fc.constant('gre' as const), checksum: fc.boolean() }),
      fc.record({
        type: fc.constant('gue' as const),
        port: anyPort,
        checksum: fc.constantFrom(true, false, 'remote' as const),
      }),
    ),
  }),
)

const flags = fc.record({ port: fc.boolean(), fallback: fc.boolean(), third: fc.boolean() })
const none = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }

/** A service that the core may hold and that has a scheduler. */
const service: fc.Arbitrary<ListedService> = fc.boolean().chain((ipv6) =>
  idOf(ipv6).chain((id) => {
    const everyPort = id.by === 'address' && id.vip.port === 0
    const persistence = fc.record({
      timeoutSeconds: fc.integer({ min: 1, max: 2_678_400 }),
      clientPrefix: fc.integer({ min: ipv6 ? 1 : 0, max: ipv6 ? 128 : 32 }),
    })
    const own = ipv6 ? v6 : v4('192.168.1')
    const server = forwarding.chain((forwarding) =>
      fc.record({
        endpoint: fc.record({
          // Only a tunnel leads to a server of the other family.
          address: forwarding.method === 'TUN' ? fc.oneof(v6, v4('192.168.1')) : own,
          port: anyPort,
        }),
        forwarding: fc.constant(forwarding),
        weight: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      }),
    )
    return fc.record({
      id: fc.constant(id),
      scheduler: fc.constantFrom('rr', 'wrr', 'wlc', 'sh', 'mh', 'lblcr', 'twos'),
      flags,
      persistence: everyPort ? persistence : fc.option(persistence, { nil: undefined }),
      onePacket: id.by === 'address' && id.protocol === 'UDP' ? fc.boolean() : fc.constant(false),
      owner: fc.constant('ipvsadm' as const),
      totals: fc.constant(none),
      rates: fc.constant(none),
      servers: fc.uniqueArray(server, { maxLength: 5, selector: ({ endpoint }) => endpoint.address }).map((servers) =>
        servers.map((each) => ({
          ...each,
          // Other methods have the port of the service, and so has every server of a firewall mark.
          endpoint:
            id.by === 'address' && (each.forwarding.method === 'NAT' || each.forwarding.method === 'FNAT')
              ? each.endpoint
              : { ...each.endpoint, port: id.by === 'address' ? id.vip.port : 0 },
          thresholds: { upper: 0, lower: 0 },
          active: 0,
          inactive: 0,
          persistent: 0,
          totals: none,
          rates: none,
        })),
      ),
    })
  }),
)

/** A configuration has no FNAT where no connection is kept. */
const isPossible = ({ onePacket, servers }: ListedService) =>
  !onePacket || servers.every(({ forwarding }) => forwarding.method !== 'FNAT')

test('a table that is saved, imported and loaded as a configuration has the same services', () => {
  const tables = fc.uniqueArray(service.filter(isPossible), { maxLength: 4, selector: ({ id }) => serviceName(id) })
  fc.assert(
    fc.property(tables, (table) => {
      const { blocks, messages } = run(formatSave(table, numbers))
      expect(messages).toEqual([])
      const { config, diagnostics } = loadConfig({ name: 'x', text: blocks }, surroundings())
      expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
      const loaded = config?.virtualServers.flatMap((server) =>
        server.services.map((id) => ({
          id,
          scheduler: server.scheduler,
          flags: server.schedulerFlags,
          persistence: server.persistence,
          onePacket: server.onePacket,
          servers: byName(
            server.realServers.map(({ endpoint, forwarding, weight }) => ({ endpoint, forwarding, weight })),
          ),
        })),
      )
      const meant = table.map(({ id, scheduler, flags, persistence, onePacket, servers }) => ({
        id,
        scheduler,
        flags,
        persistence,
        onePacket,
        servers: byName(servers.map(({ endpoint, forwarding, weight }) => ({ endpoint, forwarding, weight }))),
      }))
      const inOrder = <T extends { id: ServiceId }>(list: readonly T[]) =>
        list.toSorted((a, b) => serviceName(a.id).localeCompare(serviceName(b.id)))
      expect(inOrder(loaded ?? [])).toEqual(inOrder(meant))
    }),
  )
})

const byName = <T extends { endpoint: Endpoint }>(list: readonly T[]) =>
  list.toSorted((a, b) => endpointName(a.endpoint).localeCompare(endpointName(b.endpoint)))
