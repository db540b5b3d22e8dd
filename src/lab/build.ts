import { execFile } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatDiagnostic } from '../config/diagnostic.ts'
import { loadConfig } from '../config/load.ts'
import type { Surroundings } from '../config/preprocess/preprocess.ts'
import type { Source } from '../config/source.ts'
import type { DirectorKind, DirectorName } from '../drill/recording.ts'
import { type StandInConfig, withStandIns } from '../drill/stand-ins.ts'
import { type Machine, type ServerMachine, type Topology, topologyOf } from '../drill/topology.ts'
import type { Config } from '../model/config.ts'
import { connectPlace } from './connect.ts'
import { cableName, Lab, SWITCH } from './namespaces.ts'
import type { Place } from './place.ts'
import type { ResponderQuestion, RespondersQuestion, ResponderTask } from './responder-contract.ts'
import type { Site, SiteDirector, SiteServer } from './site.ts'

const run = promisify(execFile)

/** A configuration as the operator has it, and what runs it in the lab. */
export interface LabDirector {
  readonly source: Source
  readonly surroundings: Surroundings
  readonly kind: DirectorKind
}

/** A configuration cannot be played: it has mistakes. */
export class UnplayableError extends Error {
  constructor(director: DirectorName, mistakes: readonly string[]) {
    super(`the configuration of ${director} has mistakes:\n${mistakes.join('\n')}`)
    this.name = 'UnplayableError'
  }
}

/** Takes the headers of tunnels off. */
const DECAPSULATOR = fileURLToPath(new URL('../../dist/forward/ebpf/bpf/decapsulate.bpf.o', import.meta.url))
/** What a tracked process is a copy of. */
const SLEEP = '/bin/sleep'
const ECHO_PORT = 7
/** What is mounted on a director is there for it alone; what is unmounted elsewhere, it does not keep. */
const OWN_MOUNTS = ['unshare', '--mount', '--propagation', 'slave', '--'] as const
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

type Played = LabDirector & { readonly standIns: StandInConfig; readonly config: Config; readonly folder: string }

/**
 * Builds a lab for two configurations: their networks, interfaces and addresses, real servers, a client. The daemons do not run yet.
 * `close` removes all of it, and so does the end of this process, by a signal too if nobody else listens to that; after SIGKILL the
 * next lab does. Rejects with an UnplayableError before anything is made, or when this host refuses something: then nothing is left.
 */
export async function buildLab(directors: Readonly<Record<DirectorName, LabDirector>>): Promise<Site> {
  const lab = new Lab()
  const places: Promise<Place>[] = []
  const onSignal = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1) return // who listens closes the lab
    destroy()
    process.kill(process.pid, signal)
  }
  const destroy = (): void => {
    for (const signal of ENDING) process.removeListener(signal, onSignal)
    lab.destroy()
  }
  for (const signal of ENDING) process.on(signal, onSignal)
  const close = async (): Promise<void> => {
    // Those that are still being connected, too: nobody else would close them.
    await Promise.allSettled(places.map(async (place) => (await place).close()))
    destroy()
  }
  try {
    const played = {
      director1: playedOf('director1', directors.director1, lab),
      director2: playedOf('director2', directors.director2, lab),
    }
    const topology = topologyOf({ director1: played.director1.config, director2: played.director2.config })
    await addMachines(lab, topology)
    const connect = (host: string): Promise<Place> => {
      const isDirector = Object.values(topology.directors).some(({ name }) => name === host)
      const place = connectPlace(host, [...lab.prefix(host), ...(isDirector ? OWN_MOUNTS : [])])
      places.push(place)
      return place
    }
    return await connected(lab, topology, played, connect, close)
  } catch (error) {
    await close()
    throw error
  }
}

function playedOf(name: DirectorName, director: LabDirector, lab: Lab): Played {
  const folder = join(lab.directory, name)
  const standIns = withStandIns(director.source, director.surroundings, folder)
  const { config, diagnostics } = loadConfig({ name: director.source.name, text: standIns.text }, director.surroundings)
  if (config === undefined) {
    // What the operator has written is what he can mend.
    const written = loadConfig(director.source, director.surroundings).diagnostics
    const errors = [written, diagnostics].map((list) => list.filter(({ severity }) => severity === 'error'))
    throw new UnplayableError(
      name,
      (errors.find((list) => list.length > 0) ?? []).map((each) => formatDiagnostic(each)),
    )
  }
  return { ...director, standIns, config, folder }
}

const machinesOf = ({ directors, servers, client, router, beside, stranger }: Topology): readonly Machine[] =>
  [directors.director1, directors.director2, ...servers, client, router, beside, stranger].filter(
    (machine) => machine !== undefined,
  )

async function addMachines(lab: Lab, topology: Topology): Promise<void> {
  lab.ip(
    SWITCH,
    topology.lans.flatMap((lan) => [`link add ${lan} type bridge mcast_snooping 0`, `link set ${lan} up`]),
  )
  const machines = machinesOf(topology)
  await lab.addHosts(
    machines.map(({ name, ports, ip }) => ({
      name,
      ip,
      ports: ports.map((port) => ({ switch: port.lan, name: port.name, addresses: port.addresses })),
    })),
  )
  await Promise.all(machines.map((machine) => set(lab, machine)))
  await Promise.all(
    topology.servers.filter(({ decapsulates }) => decapsulates).map(({ name }) => decapsulate(lab, name)),
  )
}

async function set(lab: Lab, { name, settings }: Machine): Promise<void> {
  const lines = Object.entries(settings).map(([key, value]) => `echo ${value} >/proc/sys/net/${key}`)
  if (lines.length === 0) return
  const [file, ...args] = lab.enter(name, ['sh', '-ec', lines.join('\n')])
  await run(file, args)
}

async function decapsulate(lab: Lab, host: string): Promise<void> {
  const filter = `prio 1 handle 1 bpf direct-action object-file ${DECAPSULATOR} section tc`
  for (const command of ['qdisc replace dev eth0 clsact', `filter replace dev eth0 ingress protocol all ${filter}`]) {
    const [file, ...args] = lab.enter(host, ['tc', ...command.split(' ')])
    await run(file, args)
  }
}

/** Starts what is to be there at each machine, all side by side. */
async function connected(
  lab: Lab,
  topology: Topology,
  played: Readonly<Record<DirectorName, Played>>,
  connect: (host: string) => Promise<Place>,
  close: () => Promise<void>,
): Promise<Site> {
  const { targets, client, stranger, beside } = topology
  const makeDirector = (name: DirectorName) => director(lab, topology.directors[name], name, played[name], connect)
  const switched = connect(SWITCH)
  const [director1, director2, servers, clientPlace, switchPlace, strangerPlace] = await Promise.all([
    makeDirector('director1'),
    makeDirector('director2'),
    switched.then((place) => playedServers(lab, topology.servers, place, connect)),
    connect(client.name),
    switched,
    stranger && connect(stranger.name),
    beside && connect(beside.name).then((place) => place.work('responder', [JSON.stringify(besideTask(beside))])),
  ])
  return {
    directors: { director1, director2 },
    client: { place: clientPlace, ports: portsOf(client) },
    servers,
    switch: switchPlace,
    stranger: stranger && strangerPlace && { place: strangerPlace, interface: stranger.interface },
    virtualAddresses: topology.virtualAddresses,
    targets: { ...targets, beside: beside && { address: beside.address, port: ECHO_PORT } },
    lost: undefined,
    cannotPlay: topology.cannotPlay,
    close,
  }
}

const portsOf = ({ name, ports }: Machine): ReadonlyMap<string, string> =>
  new Map(ports.map((port, i) => [port.name, cableName(name, i)]))

async function director(
  lab: Lab,
  machine: Machine,
  name: DirectorName,
  { folder, standIns, config, kind }: Played,
  connect: (host: string) => Promise<Place>,
): Promise<SiteDirector> {
  const file = join(folder, `${name}.conf`)
  for (const each of [folder, ...standIns.folders]) mkdirSync(each)
  // It has the passwords of the operator's.
  writeFileSync(file, standIns.text, { mode: 0o600 })
  writeFileSync(standIns.calls, '')
  for (const path of standIns.files.values()) writeFileSync(path, '0\n')
  for (const { path, script } of standIns.commands) {
    writeFileSync(path, script)
    chmodSync(path, 0o755)
  }
  const place = await connect(machine.name)
  await startTracked(place, folder, config)
  return {
    name,
    kind,
    place,
    file,
    text: standIns.text,
    config,
    folder,
    id: lab.directorName(name),
    ports: portsOf(machine),
    calls: standIns.calls,
    standIns: standIns.commands,
  }
}

/** So many processes of each tracked name as are wanted. */
async function startTracked(place: Place, folder: string, { scripts }: Config): Promise<void> {
  const programs = join(folder, 'processes')
  if (scripts.trackers.processes.length > 0) mkdirSync(programs)
  for (const {
    command: [name = ''],
    quorum,
  } of scripts.trackers.processes) {
    const copy = join(programs, basename(name))
    copyFileSync(SLEEP, copy)
    const start = ['bash', '-c', 'exec -a "$1" "$2" infinity', 'bash', name, copy]
    for (let i = 0; i < quorum; i++) await place.start(start)
  }
}

/** Sorry servers answer, too, but are not broken. */
async function playedServers(
  lab: Lab,
  machines: readonly ServerMachine[],
  at: Place,
  connect: (host: string) => Promise<Place>,
): Promise<readonly SiteServer[]> {
  if (machines.length === 0) return []
  const responders = await at.work('responders', [])
  for (const { name, title, addresses, talks } of machines) {
    const play = { title, addresses, talks }
    await responders.ask({ play, network: lab.network(name) } satisfies RespondersQuestion)
  }
  return machines
    .filter(({ isSorry }) => !isSorry)
    .map((machine) => {
      const { name, title, address } = machine
      let place: Promise<Place> | undefined
      return {
        word: title as SiteServer['word'],
        address,
        place: () => (place ??= connect(name)),
        ports: portsOf(machine),
        responder: {
          ask: (question) => responders.ask({ title, ...(question as ResponderQuestion) } satisfies RespondersQuestion),
        },
      }
    })
}

const besideTask = ({ address }: NonNullable<Topology['beside']>): ResponderTask => ({
  title: 'beside',
  addresses: [address],
  talks: { tcp: [], udp: [{ port: ECHO_PORT, replies: [], names: [] }] },
})
