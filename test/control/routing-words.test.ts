import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { routeWords, ruleWords } from '../../src/control/keepalived-dump/routing-words.ts'
import { ROUTE_LINES, ROUTES_IN_DUMP, RULE_LINES, RULES_IN_DUMP } from '../support/routing-cases.ts'
import { surroundings } from '../support/surroundings.ts'

const text = `static_routes {\n${ROUTE_LINES.join('\n')}\n}\nstatic_rules {\n${RULE_LINES.join('\n')}\n}`
const names = { '/etc/iproute2/rt_dsfield': '0x20 CS1\n' }
const { config } = loadConfig({ name: 'x', text }, surroundings(names))
const { routes = [], rules = [] } = config?.staticObjects ?? {}

/** Where the dump says another thing on purpose. */
const ROUTES_OTHERWISE: Readonly<Record<string, string>> = {
  // What has no effect is not there.
  'prepend 192.168.30.0/24 via inet 10.0.0.254 dev eth0 proto 18 metric 0':
    'prepend 192.168.30.0/24 via inet 10.0.0.254 dev eth0 proto 18',
  'prepend 192.168.31.0/24 via inet 10.0.0.254 dev eth0 proto 18 ttl-propagate enabled':
    'prepend 192.168.31.0/24 via inet 10.0.0.254 dev eth0 proto 18',
  'prepend 2001:db8:7::1/64 via inet6 2001:db8::fe dev eth0 proto 18':
    'prepend 2001:db8:7::/64 via inet6 2001:db8::fe dev eth0 proto 18',
  // One next hop alone is that of the route.
  'prepend 192.168.28.0/24 proto 18 nexthop via inet 10.0.0.3 dev eth0':
    'prepend 192.168.28.0/24 via inet 10.0.0.3 dev eth0 proto 18',
  // keepalived's own slips.
  'prepend 192.168.33.0/24 dev eth0 proto 18 congctl cubiclock  ssthresh 5':
    'prepend 192.168.33.0/24 dev eth0 proto 18 congctl lock cubic ssthresh 5',
}

/** keepalived follows no route without `dev`, and says so; a weight of 1 is told only if the file says it. */
const comparable = (line: string) => line.replace(/ weight 1(?= |$)/g, '').replace(' no_track', '')

test('routes are told as in keepalived.data', () => {
  const expected = ROUTES_IN_DUMP.map(comparable).map((line) => ROUTES_OTHERWISE[line] ?? line)
  expect(routes.map(routeWords).map(comparable)).toEqual(expected)
  expect(routes.map(routeWords).filter((line) => line.endsWith('no_track'))).toHaveLength(2)
})

test('rules are told as in keepalived.data', () => {
  expect(rules.map(ruleWords)).toEqual(RULES_IN_DUMP)
})
