import { describe, expect, test } from 'vitest'
import { pathServices } from '../../src/balance/service-paths.ts'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { isPathMark } from '../../src/model/service-path.ts'
import { surroundings } from '../support/surroundings.ts'

function load(text: string) {
  const { config, diagnostics } = loadConfig({ name: 'x.conf', text }, surroundings())
  const checks = config?.virtualServers.flatMap(({ realServers }) => realServers.flatMap((real) => real.checks))
  const all = checks?.flatMap((check) => ('target' in check ? [check] : []))
  return {
    servers: config?.virtualServers ?? [],
    checks: all ?? [],
    told: diagnostics.map((each) => formatDiagnostic(each).split('\n')[0]),
  }
}
const virtual = (head: string, ...reals: readonly string[]) =>
  `virtual_server ${head} {\n protocol TCP\n${reals.join('\n')}\n}\n`
const real = (where: string, check: string) => ` real_server ${where} {\n  ${check}\n }`
const THROUGH = 'TCP_CHECK { through_service }'

describe('where it asks', () => {
  test('the virtual address and port, with a mark of the real server', () => {
    const { checks } = load(
      virtual('10.0.0.1 80', real('10.1.0.1 8080', THROUGH), real('10.1.0.2 8080', 'TCP_CHECK { }')),
    )
    expect(checks[0]).toMatchObject({
      target: { address: '10.0.0.1', port: 80 },
      through: { server: '10.1.0.1', method: 'NAT' },
    })
    expect(isPathMark(checks[0]?.source?.mark ?? 0)).toBe(true)
    expect(checks[1]).toMatchObject({ target: { address: '10.1.0.2', port: 8080 } })
    expect(checks[1]).not.toHaveProperty('source')
  })

  test('of all ports that of the server; of a group the first address; what is said counts', () => {
    expect(load(virtual('10.0.0.1 0', real('10.1.0.1 8080', THROUGH))).checks[0]?.target.port).toBe(8080)
    const group = 'virtual_server_group g {\n fwmark 5\n 10.0.0.7-9 443\n}\n'
    const first = load(group + virtual('group g', real('10.1.0.1 8443', THROUGH))).checks[0]
    expect(first?.target).toEqual({ address: '10.0.0.7', port: 443 })
    const said = 'TCP_CHECK { through_service\n connect_ip 10.0.0.9\n connect_port 81\n bindto 10.0.0.3 }'
    const check = load(virtual('fwmark 5', real('10.1.0.1 80', said))).checks[0]
    expect(check).toMatchObject({ target: { address: '10.0.0.9', port: 81 }, source: { address: '10.0.0.3' } })
  })

  test('`no` says nothing', () => {
    const [check] = load(virtual('10.0.0.1 80', real('10.1.0.1 8080', 'TCP_CHECK { through_service no }'))).checks
    expect(check).not.toHaveProperty('through')
    expect(check?.target).toEqual({ address: '10.1.0.1', port: 8080 })
  })
})

describe('marks', () => {
  const many = (order: (all: string[]) => string[]) =>
    virtual('10.0.0.1 80', ...order(Array.from({ length: 250 }, (_, i) => real(`10.1.0.${i + 1} 80`, THROUGH)))) +
    virtual('10.0.0.2 80', real('10.1.0.1 80', `${THROUGH}\n  ${THROUGH}`))

  test('each real server of each virtual server has its own, and keeps it in another order', () => {
    const marksOf = ({ servers }: ReturnType<typeof load>) =>
      new Map(
        servers.flatMap(({ name, realServers }) =>
          realServers.map(({ endpoint, checks }) => [
            `${name} ${endpoint.address}`,
            [...new Set(checks.map((check) => ('target' in check ? check.source?.mark : 0)))],
          ]),
        ),
      )
    const marks = marksOf(load(many((all) => all)))
    expect(new Set([...marks.values()].flat()).size).toBe(251)
    expect([...marks.values()].every((own) => own.length === 1)).toBe(true)
    expect(marksOf(load(many((all) => all.toReversed())))).toEqual(marks)
  })

  test('a service of the one server for each, without what the virtual server asks of clients', () => {
    const text = `virtual_server 10.0.0.1 80 {
 protocol TCP
 lvs_method TUN
 persistence_timeout 60
 deny {
  10.0.0.0/8
 }
 real_server 10.1.0.1 80 {
  weight 0
  ${THROUGH}
  TCP_CHECK { through_service\n connect_ip fd00::1 }
  ${THROUGH}
 }
 real_server 10.1.0.2 80 {
  TCP_CHECK { }
 }
}`
    const { servers, checks } = load(text)
    const mark = checks[0]?.source?.mark
    expect(pathServices(servers)).toMatchObject(
      (['inet', 'inet6'] as const).map((family) => ({
        id: { by: 'fwmark', mark, family },
        persistence: undefined,
        access: [],
        destinations: [{ endpoint: { address: '10.1.0.1', port: 80 }, forwarding: { method: 'TUN' }, weight: 1 }],
      })),
    )
  })
})

test('its marks are nobody else’s', () => {
  const message = 'error[bad-value]: marks from 396361728 (0x17a00000) to 397410303 are those of `through_service`'
  const errors = (text: string) => load(text).told.filter((line) => line?.includes('error') === true)
  expect(errors(virtual('fwmark 396361729', real('10.1.0.1 80', 'TCP_CHECK { }')))).toEqual([`x.conf:1:1: ${message}`])
  const group = 'virtual_server_group g {\n fwmark 397410303\n}\n'
  expect(errors(group + virtual('group g', real('10.1.0.1 80', 'TCP_CHECK { }')))).toEqual([`x.conf:2:2: ${message}`])
  expect(errors(virtual('10.0.0.1 80', real('10.1.0.1 80', 'TCP_CHECK { fwmark 396361728 }')))).toEqual([
    `x.conf:4:15: ${message}`,
  ])
  expect(errors(virtual('fwmark 397410304', real('10.1.0.1 80', 'TCP_CHECK { fwmark 396361727 }')))).toEqual([])
})

test('what cannot be', () => {
  const told = (check: string) =>
    load(virtual('fwmark 5', real('10.1.0.1 80', check))).told.filter((line) => line?.includes('error') === true)
  expect(told(THROUGH)).toEqual([
    'x.conf:4:15: error[missing-keyword]: a virtual server by marks has no address to ask: say one by `connect_ip`',
  ])
  expect(told('TCP_CHECK { through_service\n connect_ip 10.0.0.1\n fwmark 7\n bind_if eth0 }')).toEqual([
    'x.conf:6:2: error[bad-value]: `through_service` has marks of its own',
    'x.conf:7:2: error[bad-value]: `through_service` goes by the way of clients, not by an interface',
  ])
  const interfaces = (names: string) => `global_defs {\n forward_interfaces {\n ${names}\n }\n}\n`
  const among = (names: string) => load(interfaces(names) + virtual('10.0.0.1 80', real('10.1.0.1 80', THROUGH))).told
  expect(among('eth0')).toEqual([
    'x.conf:9:15: error[bad-value]: its answers come by the loopback interface: name `lo` among `forward_interfaces`, too',
  ])
  expect(among('lo eth0')).toEqual([])
  const bound = load(
    virtual('10.0.0.1 80', ' lvs_method TUN', real('fd00::2 80', 'TCP_CHECK { through_service\n bindto 10.0.0.3 }')),
  )
  expect(bound.told).toEqual([])
  expect(bound.checks[0]?.source?.address).toBe('10.0.0.3')
  expect(load(virtual('10.0.0.1 80', real('10.1.0.1 80', 'PING_CHECK { through_service }'))).told[0]).toContain(
    'unknown keyword `through_service`',
  )
})
