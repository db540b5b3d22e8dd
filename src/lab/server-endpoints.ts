import type { ServerWord } from '../drill/language/words.ts'
import type { Config } from '../model/config.ts'
import { endpointName } from '../model/endpoint.ts'

/** All endpoints of a real server, or of all, as a daemon names them. Servers count from 1 in the order of the file, each address once. */
export function serverEndpoints({ virtualServers }: Config, word: ServerWord | 'all'): readonly string[] {
  const endpoints = virtualServers.flatMap(({ realServers }) => realServers.map(({ endpoint }) => endpoint))
  const addresses = [...new Set(endpoints.map(({ address }) => address))]
  const wanted = word === 'all' ? addresses : addresses.slice(Number(word.slice(7)) - 1, Number(word.slice(7)))
  return [...new Set(endpoints.filter(({ address }) => wanted.includes(address)).map(endpointName))]
}
