import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'
import { ROUTE_LINES, RULE_LINES } from '../support/routing-cases.ts'

/** keepalived and Tanist make the same of the same lines, one after the other on one host. */
let lab: Lab

beforeAll(async () => {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('host', [
    { switch: 'lan', address: '10.0.0.1/24' },
    { switch: 'lan', address: '10.1.0.1/24' },
  ])
  lab.ip('host', ['addr add 2001:db8::1/64 dev eth0 nodad', 'addr add 2001:db8:1::1/64 dev eth1 nodad'])
  const linkLocal = () => routing().filter((line) => line.startsWith('local fe80::')).length
  await until('the link-local addresses', () => linkLocal() === 2)
})
afterAll(() => lab.destroy())

const lines = (all: readonly string[]) => all.map((line) => `    ${line}`).join('\n')

const VIRTUAL = `vrrp_instance V {
  interface eth0
  virtual_router_id 5
  priority 150
  virtual_ipaddress {
    10.0.0.100/24
  }
  virtual_routes {
${lines(ROUTE_LINES)}
  }
  virtual_rules {
${lines(RULE_LINES)}
  }
}
`
const STATIC = `static_ipaddress {
    10.0.0.100/24 dev eth0
    2001:db8::100/64 dev eth0
}
static_routes {
${lines(ROUTE_LINES)}
}
static_rules {
${lines(RULE_LINES)}
}
vrrp_instance V {
  interface eth0
  virtual_router_id 5
  priority 150
  virtual_ipaddress {
    10.0.0.101/24
  }
}
`

/** All routes and rules of both families, in the words of iproute2. */
function routing(): readonly string[] {
  const commands = [
    ['ip', '-d', '-4', 'route', 'show', 'table', 'all'],
    ['ip', '-d', '-6', 'route', 'show', 'table', 'all'],
    ['ip', '-d', '-4', 'rule'],
    ['ip', '-d', '-6', 'rule'],
  ] as const
  return commands.flatMap((command) => lab.run('host', command).split('\n'))
}

const has = (address: string) => lab.run('host', ['ip', '-4', '-brief', 'address']).includes(`${address}/`)

test.each([
  ['virtual', '10.0.0.100', VIRTUAL],
  ['static', '10.0.0.101', STATIC],
])(
  '%s routes and rules are the same, byte for byte, and gone at the end',
  { timeout: 120_000 },
  async (_kind, vip, text) => {
    const before = routing()
    const keepalived = new KeepalivedHost(lab, 'host', text)
    keepalived.start()
    await until('keepalived to be master', () => has(vip))
    const last = (found: readonly string[]) => found.some((line) => line.includes('uidrange 5-5'))
    await until('its rules', () => last(routing()))
    const theirs = routing()
    await keepalived.end('SIGTERM')
    expect(routing()).toEqual(before)

    const director = new DirectorHost(lab, 'host', text)
    await director.start()
    await director.untilState('master')
    await until('the rules', () => last(routing()))
    expect(routing()).toEqual(theirs)
    expect(theirs.length - before.length).toBeGreaterThanOrEqual(ROUTE_LINES.length + RULE_LINES.length)
    expect(director.logText()).not.toMatch(/not added|is gone/)
    await director.stop()
    await until('nothing of it', () => routing().length === before.length)
    expect(routing()).toEqual(before)
  },
)
