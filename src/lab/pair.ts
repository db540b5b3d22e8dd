import { dirname, join } from 'node:path'
import { formatDiagnostic } from '../config/diagnostic.ts'
import { loadConfig } from '../config/load.ts'
import type { Surroundings } from '../config/preprocess/preprocess.ts'
import type { Source } from '../config/source.ts'
import { type Drill, type Need, NEEDS, type PairSource } from '../drill/drill.ts'
import type { Traffic } from '../drill/language/traffic.ts'
import { pairTexts } from '../drill/pair-texts.ts'
import { type PlannedTargets, type Topology, topologyOf } from '../drill/topology.ts'
import { defaultConfigId, hostSurroundings } from '../host/config-file.ts'
import { readRegularFile } from '../host/regular-file.ts'
import { readTlsClient } from '../host/tls-client.ts'
import type { Config } from '../model/config.ts'
import { endpointName } from '../model/endpoint.ts'
import type { RealServer } from '../model/service.ts'
import { isIpv4 } from '../net/address.ts'
import { serverEndpoints } from './server-endpoints.ts'

/** BOUNDED: bytes of a configuration file. */
const MOST_BYTES = 64 * 1024 * 1024

/** The configuration of one director, read. */
export interface LoadedFile {
  readonly source: Source
  readonly surroundings: Surroundings
  readonly config: Config
}

export type Pair = readonly [LoadedFile, LoadedFile]

/** A pair cannot be rehearsed: its files cannot be read, or are wrong. The message has all of it. */
export class PairError extends Error {}

function textOf(path: string): string {
  const found = readRegularFile(path, MOST_BYTES)
  if ('text' in found) return found.text
  throw new PairError(`cannot read ${path}: ${found.error}`)
}

/** Reads a configuration. Throws PairError with every mistake. */
export function loadFile(name: string, text: string): LoadedFile {
  const source = { name, text }
  const surroundings = hostSurroundings(defaultConfigId())
  const { config, diagnostics } = loadConfig(source, surroundings)
  if (config !== undefined) return { source, surroundings, config }
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  throw new PairError(errors.map((each) => formatDiagnostic(each)).join('\n'))
}

/** Reads the files of two directors. Throws PairError. */
export function loadPair([first, second]: readonly [string, string]): Pair {
  return [loadFile(first, textOf(first)), loadFile(second, textOf(second))]
}

/** The pair that a drill brings along. Throws PairError. */
export function ownPair({ file }: Pick<Drill, 'file'>, source: PairSource): Pair {
  const folder = dirname(file)
  const [first, second] = pairTexts(source, (path) => textOf(join(folder, path)))
  return [loadFile(join(folder, first.name), first.text), loadFile(join(folder, second.name), second.text)]
}

/** Of the first virtual server. */
const firstServers = ({ virtualServers: [first] }: Config) => first?.realServers ?? []

/** Whether a pair has it for a drill. */
const HAS: Readonly<Record<Need, (pair: readonly Config[], drill: Pick<Drill, 'steps'>) => boolean>> = {
  'virtual server': (pair) => pair.every(({ virtualServers }) => virtualServers.length > 0),
  'two servers': (pair) => pair.every((config) => firstServers(config).length > 1),
  checks: (pair) =>
    pair.every(({ virtualServers }) => {
      const servers = virtualServers.flatMap(({ realServers }) => realServers)
      return servers.length > 0 && servers.every(({ checks }) => checks.some((each) => 'target' in each))
    }),
  'page checks': (pair, { steps }) =>
    pair.every((config) =>
      steps.every((step) => {
        if (step.action !== 'break server') return true
        const endpoints = serverEndpoints(config, step.arguments.server)
        const broken = firstServers(config).filter(({ endpoint }) => endpoints.includes(endpointName(endpoint)))
        const isPaged = ({ checks }: RealServer) => checks.some(({ type }) => type === 'HTTP_GET' || type === 'SSL_GET')
        return broken.length > 0 && broken.every(isPaged)
      }),
    ),
  preemption: (pair) => {
    const [first, second] = pair.map(({ instances }) => instances[0])
    if (first === undefined || second === undefined || first.priority === second.priority) return false
    return (first.priority > second.priority ? first : second).preempt
  },
  script: (pair) => pair.every(({ scripts }) => scripts.trackers.scripts.length > 0),
  notify: (pair) =>
    pair.every(({ scripts }) =>
      scripts.instances.some(({ any, master, backup }) => (any ?? master ?? backup) !== undefined),
    ),
  'its own': () => false,
}

/** Which of its needs a pair does not have, in words. */
export function needLacked(
  drill: Pick<Drill, 'needs' | 'steps'>,
  pair: readonly Pick<LoadedFile, 'config'>[],
): string | undefined {
  const configs = pair.map(({ config }) => config)
  const lacking = drill.needs.find((need) => !HAS[need](configs, drill))
  return lacking && `this pair lacks ${NEEDS[lacking]}`
}

/** What a pair lacks for a drill in a lab, in words. `isOwn`: the drill brings it along. */
export function lackOf(drill: Drill, pair: Pair, isOwn: boolean): string | undefined {
  const lacking = isOwn ? undefined : needLacked(drill, pair)
  if (lacking !== undefined) return lacking
  const [director1, director2] = [pair[0].config, pair[1].config]
  const { servers, targets, virtualAddresses } = topologyOf({ director1, director2 })
  if (virtualAddresses.length === 0) return 'this pair has no virtual address that both directors have by turns'
  const reals = servers.filter(({ isSorry }) => !isSorry).map(({ title }) => title)
  const unchecked = drill.needs.some((need) => need === 'checks' || need === 'page checks')
    ? uncheckedOf([director1, director2], servers)
    : undefined
  if (unchecked !== undefined) return unchecked
  const missing = serversIn(drill).find((word) => !reals.includes(word))
  if (missing !== undefined) return `this pair has no ${missing} in the lab`
  const unasked = drill.traffic.find((each) => !isThere(each, targets))
  return unasked && `this pair has nothing that the client of the lab could ask for the drill's ${unasked.type}`
}

/** Why the checks of a pair find nothing in the lab. */
function uncheckedOf(pair: readonly Config[], servers: Topology['servers']): string | undefined {
  for (const { tlsClient } of pair) {
    const read = tlsClient === undefined ? {} : readTlsClient(tlsClient)
    if ('fault' in read) return `the checks of this pair cannot be made here: ${read.fault}`
  }
  const down = servers.find(({ isDown }) => isDown)
  return down && `real_server ${down.address} of this pair cannot be played, and is down in any case`
}

/** All servers that a drill names. */
const serversIn = ({ steps, claims }: Drill): readonly string[] => {
  const said = JSON.stringify([steps.map((step) => step.arguments), claims.map(({ claim }) => claim.arguments)])
  return [...new Set([...said.matchAll(/"(server \d+)"/g)].map(([, word = '']) => word))]
}

/** Whether there is something that this traffic can go to. */
function isThere(traffic: Traffic, { udp, tcp, icmp }: PlannedTargets): boolean {
  const { service } = traffic.arguments
  if (traffic.type !== 'probe') return tcp.length >= service
  const v4 = tcp.filter(({ address }) => isIpv4(address))
  const ways = { udp, tcp: v4, icmp }
  const { through } = traffic.arguments
  return through === 'auto'
    ? Object.values(ways).some((targets) => targets.length >= service)
    : ways[through].length >= service
}
