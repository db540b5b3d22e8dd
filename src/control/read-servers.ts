import type { CoreReading, ServerReading } from '../model/core-reading.ts'
import { serviceName } from '../model/service.ts'
import { endpointName } from '../model/endpoint.ts'

/** By the name of their service, then by that of their endpoint. */
export type ReadServers = ReadonlyMap<string, ReadonlyMap<string, ServerReading>>

/** Finds the servers of a reading. */
export function readServers({ servers }: CoreReading): ReadServers {
  const byService = Map.groupBy(servers, ({ service }) => serviceName(service))
  return new Map(
    [...byService].map(([name, own]) => [name, new Map(own.map((each) => [endpointName(each.endpoint), each]))]),
  )
}
