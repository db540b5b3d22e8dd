import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Surroundings } from '../../src/config/preprocess/preprocess.ts'
import { hostSurroundings } from '../../src/host/config-file.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Two configurations, as an operator has them. */
export interface PairOfTexts {
  readonly name: string
  readonly director1: { readonly name: string; readonly text: string }
  readonly director2: { readonly name: string; readonly text: string }
}

/** One file for both, with a lower priority for the second, and further texts of the first replaced in the second, and the other way round. */
export function pairOf(file: string, swaps: readonly (readonly [string, string])[] = []): PairOfTexts {
  const name = join(ROOT, file)
  const text = readFileSync(name, 'utf8')
  const lower = text.replace(/(\bpriority\s+)(\d+)(?=\s)/g, (_, keyword: string, value: string) => {
    return `${keyword}${Math.max(1, Number(value) - 10)}`
  })
  const second = swaps.reduce((all, [one, other]) => swapped(all, one, other), lower)
  return { name: file, director1: { name, text }, director2: { name, text: second } }
}

const swapped = (text: string, one: string, other: string): string =>
  text.replaceAll(new RegExp(`(?:${one.replaceAll('.', '\\.')}|${other.replaceAll('.', '\\.')})\\b`, 'g'), (found) =>
    found === one ? other : one,
  )

/** Two files. */
export function filesOf(first: string, second: string): PairOfTexts {
  const read = (file: string) => ({ name: join(ROOT, file), text: readFileSync(join(ROOT, file), 'utf8') })
  return { name: `${first} and ${second}`, director1: read(first), director2: read(second) }
}

export const PAIR_SURROUNDINGS: Surroundings = hostSurroundings('main')

const corpus = (name: string): string => `test/config/corpus/${name}.conf`

/** Pairs that run as they are, with what their real servers are called by clients. */
export const RUNNING_PAIRS = {
  dr: pairOf('conf/dr.conf'),
  nat: pairOf('conf/nat.conf'),
  'full NAT': pairOf('conf/full-nat.conf'),
  haproxy: pairOf('conf/haproxy-pair.conf'),
  'two files': filesOf(corpus('haproxy-pair-master'), corpus('haproxy-pair-backup')),
  'unicast with addresses that are exchanged': pairOf(corpus('haproxy-unicast'), [['192.168.1.5', '192.168.1.6']]),
  'NAT with a group': pairOf(corpus('lvs-nat')),
  'DR over IPv6': pairOf(corpus('lvs-ipv6')),
  'servers behind a router by NAT': pairOf(corpus('generator-kubernetes-services')),
  'two instances and a script': pairOf(corpus('generator-ansible-role')),
  'VLAN interfaces': pairOf(corpus('gateway-vlan')),
  'routes and rules': pairOf(corpus('routes-and-rules')),
  'a virtual MAC': pairOf(corpus('vmac')),
  'three of which two are there': pairOf(corpus('kubernetes-unicast-three'), [['192.168.1.5', '192.168.1.12']]),
} as const satisfies Readonly<Record<string, PairOfTexts>>

/** Further ones, which need not run. */
export const FURTHER_PAIRS = [
  pairOf('conf/tracking.conf'),
  pairOf('conf/web-checks.conf'),
  pairOf(corpus('lvs-tun')),
  pairOf(corpus('fwmark-lecture')),
  pairOf(corpus('kitchen-sink-server')),
  pairOf(corpus('smtp-service')),
  pairOf(corpus('udp-dns')),
  pairOf(corpus('udp-check')),
  pairOf(corpus('sctp')),
  pairOf(corpus('track-bfd')),
  pairOf(corpus('sequence')),
  pairOf(corpus('multi-home')),
] as const

/** Pairs with real servers of all kinds of checks that a lab answers. */
export const CHECKED_PAIRS = [
  'smtp-service',
  'udp-dns',
  'udp-check',
  'ssl-get',
  'misc-dynamic',
  'kitchen-sink-server',
].map((name) => pairOf(corpus(name)))

/** All examples of conf, and further pairs of the corpus, for drills of every kind. */
export const REHEARSED_PAIRS: readonly PairOfTexts[] = [
  ...['dr', 'full-nat', 'haproxy-pair', 'nat', 'routes', 'telling', 'tracking', 'two-machines', 'web-checks'].map(
    (name) => pairOf(`conf/${name}.conf`),
  ),
  filesOf(corpus('haproxy-pair-master'), corpus('haproxy-pair-backup')),
  pairOf(corpus('haproxy-unicast'), [['192.168.1.5', '192.168.1.6']]),
  pairOf(corpus('kubernetes-unicast-three'), [['192.168.1.5', '192.168.1.12']]),
  ...[
    'lvs-dr',
    'lvs-nat',
    'lvs-ipv6',
    'mysql-lvs',
    'generator-kubernetes-services',
    'generator-ansible-role',
    'generator-puppet-module',
    'generator-vyos',
    'ha-suspend',
    'one-line-blocks',
    'gateway-vlan',
    'vmac',
    'sync-group-notify',
    'nginx-pair',
    'postgres-notify',
    'track-bfd',
    'version3-fast',
    'many-instances',
    'multi-home',
    'dual-stack',
    'kitchen-sink-server',
  ].map((name) => pairOf(corpus(name))),
]
