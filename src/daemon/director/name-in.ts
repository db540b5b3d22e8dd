import { endpointName } from '../../model/endpoint.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'

/** A real server by its virtual server: unique in a configuration. */
export const nameIn = ({ name }: VirtualServer, { endpoint }: RealServer): string => `${name} ${endpointName(endpoint)}`
