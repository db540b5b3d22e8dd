import { randomBytes } from 'node:crypto'
import type { Hosts, RealDirector } from '../drill/language/hosts.ts'
import type { DirectorName } from '../drill/recording.ts'
import { topologyOf } from '../drill/topology.ts'
import { parseAddress } from '../net/address.ts'
import { connectPlace } from './connect.ts'
import { HostDaemon } from './daemons/host.ts'
import { savedFile } from './actions/operations.ts'
import { loadFile, PairError } from './pair.ts'
import type { Place } from './place.ts'
import type { Site, SiteDirector } from './site.ts'
import { ran } from './stage.ts'

/** A command prefix is split at blanks, as a shell does without quotes. */
const wordsOf = (command: string): readonly string[] => command.split(/\s+/).filter((word) => word !== '')

/** Connects to the machines of a real pair, and reads their configurations. Rejects with a LostPlaceError, or a PairError. */
export async function realSite(hosts: Hosts, onNotice: (text: string) => void): Promise<Site> {
  const places: Place[] = []
  const lost = Promise.withResolvers<Error>()
  const connect = async (name: string, via: string | undefined, tanist: string) => {
    // On this machine it is the agent of this very program.
    const command = via === undefined ? {} : { command: [...wordsOf(tanist), 'drill', 'agent'] }
    const say = (text: string) => onNotice(`${name}: ${text}`)
    const options = { ...command, deadMan: hosts.silence, onNotice: say, onLost: lost.resolve }
    const place = await connectPlace(name, wordsOf(via ?? ''), options)
    places.push(place)
    return place
  }
  const close = async () => {
    await Promise.allSettled(
      places.map(async (place) => {
        // What could be undone in the drill is not among it.
        for (const { text, failure } of await place.close()) {
          const found = failure === undefined ? `undone at last: ${text}` : `NOT UNDONE: ${text}: ${failure}`
          onNotice(`${place.name}: ${found}`)
        }
      }),
    )
  }
  try {
    const { client: itsClient } = hosts
    const connected = await Promise.allSettled([
      connect('director1', hosts.director1.via, hosts.director1.tanist),
      connect('director2', hosts.director2.via, hosts.director2.tanist),
      connect('client', itsClient.via, itsClient.tanist),
    ])
    const [first, second, client] = connected.map((each) => {
      if (each.status === 'rejected') throw each.reason
      return each.value
    })
    if (first === undefined || second === undefined || client === undefined) throw new Error('three were connected')
    const directors = {
      director1: await directorOf('director1', first, hosts.director1),
      director2: await directorOf('director2', second, hosts.director2),
    }
    const { director1, director2 } = directors
    const { virtualAddresses, targets } = topologyOf({ director1: director1.config, director2: director2.config })
    const address = parseAddress(itsClient.beside ?? '')
    return {
      directors,
      client: { place: client, ports: undefined },
      servers: [],
      switch: undefined,
      stranger: undefined,
      virtualAddresses,
      // Real servers echo nothing.
      targets: { ...targets, udp: [], beside: address && { address, port: itsClient['beside port'] } },
      lost: lost.promise,
      cannotPlay: [],
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function directorOf(name: DirectorName, place: Place, host: RealDirector): Promise<SiteDirector> {
  const read = async (argv: readonly string[]) => {
    try {
      return await ran(place, argv)
    } catch (error) {
      throw new PairError(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  // What a link leads to is changed, not the link.
  const file = (await read(['readlink', '-f', host.config])).trim()
  const text = await read(['cat', file])
  const saved = savedFile(file)
  if ((await place.run(['test', '-e', saved])).status === 0) {
    throw new PairError(
      `${name}: ${saved} is there: a drill has not come to its end. Look which of both files is right, and remove it`,
    )
  }
  // With what it includes, and with names looked up there.
  const printed = await read(['sh', '-c', `${host.tanistd} --print-config -f "$1"`, 'sh', file])
  const { config } = loadFile(`${name}:${file}`, printed)
  return { name, kind: 'tanist', place, file, text, config, ...noLab(name) }
}

const noLab = (name: DirectorName) => ({
  // Only root writes there. Two directors may be one machine, as in a lab of somebody's own.
  folder: '/run',
  id: `drill-${randomBytes(4).toString('hex')}-${name}`,
  ports: undefined,
  calls: undefined,
  standIns: [],
})

/** The daemons of a site by how its machines are operated. `places`: others than those of the site, where nothing is to be done. */
export const realDaemons = (hosts: Hosts, places: Readonly<Record<DirectorName, { readonly place: Place }>>) => ({
  director1: new HostDaemon(places.director1.place, hosts.director1),
  director2: new HostDaemon(places.director2.place, hosts.director2),
})
