import { type ListOptions, parseLine } from '../../src/ipvsadm/parse.ts'
import type { Resolver } from '../../src/ipvsadm/values.ts'
import { UsageError } from '../../src/ipvsadm/words.ts'
import { changeTable, type IpvsTable } from '../../src/balance/ipvs-table.ts'
import type { ListedService } from '../../src/model/ipvs-listing.ts'
import { address } from '../bpf/packets.ts'

const resolver: Resolver = {
  address: (name) => (name === 'localhost' ? address('127.0.0.1') : undefined),
  port: (name) => ({ http: 80, ftp: 21 })[name],
}
const words = (line: string) => line.split(' ').filter((word) => word !== '')
export const parse = (line: string) => parseLine(words(line), resolver, 'ipvsadm')

/** What is printed, and the exit status, of a line that is refused before the table is asked. */
export function refusal(line: string): [string, number] {
  try {
    const request = parse(line)
    return request.type === 'refused' ? [request.message, 255] : ['', 0]
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [error.message, error.status]
  }
}

/** A table made by commands, as a listing. */
export function listed(...lines: readonly string[]): ListedService[] {
  let table: IpvsTable = []
  for (const line of lines) {
    const request = parse(line)
    const outcome = request.type === 'change' ? changeTable(table, request.command, new Set(), () => false) : 'invalid'
    if (typeof outcome === 'string') throw new Error(`${line}: ${outcome}`)
    table = outcome
  }
  const none = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }
  return table.map(({ servers, ...service }) => ({
    ...service,
    owner: 'ipvsadm',
    totals: none,
    rates: none,
    servers: servers
      .map((server) => ({ ...server, active: 0, inactive: 0, persistent: 0, totals: none, rates: none }))
      .toReversed(),
  }))
}

export const options = (change: Partial<ListOptions> = {}): ListOptions => ({
  show: 'services',
  numeric: true,
  exact: false,
  sorted: true,
  ...change,
})
