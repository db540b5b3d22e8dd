import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ControlClient } from '../control/client.ts'
import type { HandAnswer, HandRequest } from '../control/hands.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { ListedConnection } from '../model/ipvs-listing.ts'
import { parseAddress } from '../net/address.ts'

/** What was asked is not so. */
const EXIT_NOT_DONE = 1

/** Stands for every virtual server that has the real server. */
const ALL = 'all'

/** How soon connections are counted again, and how much longer than counting takes that is: the daemon has other things to do. */
const COUNT_AGAIN_MS = 500
const COUNT_SHARE = 10

/** States in which a connection carries nothing any more: the kernel just remembers it. */
const OVER: ReadonlySet<string> = new Set(['TIME_WAIT', 'CLOSE', 'CLOSED'])

interface DrainOptions {
  readonly keepClients?: true
  readonly wait?: true
  readonly timeout?: number
}

/** Adds `server`: what an operator says of real servers. */
export function addServerCommands(program: Command, client: () => ControlClient): void {
  const server = program
    .command('server')
    .description(
      'say by hand what becomes of a real server, in place of its checks and the configuration, also after a reload or a restart',
    )
  const of = (name: string) =>
    server
      .command(name)
      .argument('<service>', `virtual server: ADDRESS:PORT, ADDRESS, FWM MARK, or ${ALL} that have the real server`)
      .argument('<server>', 'real server: ADDRESS:PORT, or ADDRESS for all ports')

  of('drain')
    .description('no new connections; what it has goes on')
    .option('--keep-clients', 'but new connections of clients that persistence keeps there')
    .option('--wait', 'until its connections are over')
    .addOption(new Option('--timeout <seconds>', 'wait no longer').argParser(secondsOf).implies({ wait: true }))
    .action(async (service: string, name: string, { keepClients, wait, timeout }: DrainOptions) => {
      const drained = await say({ service, server: name, hand: { type: 'drain', keepClients: keepClients === true } })
      if (drained === undefined || wait !== true) return
      const left = await waitForEnd(client(), drained, keepClients === true, timeout ?? Infinity)
      if (left === 0) process.stdout.write('its connections are over\n')
      else {
        process.stdout.write(`${left} left\n`)
        process.exitCode = EXIT_NOT_DONE
      }
    })
  of('disable')
    .description('out, as if it had failed')
    .action(async (service: string, name: string) => {
      await say({ service, server: name, hand: { type: 'disable' } })
    })
  of('enable')
    .description('as its checks and the configuration say')
    .action(async (service: string, name: string) => {
      await say({ service, server: name, hand: { type: 'enable' } })
    })
  of('weight')
    .argument('<weight>', 'from 0', weightOf)
    .description('this weight, whatever the configuration and checks say')
    .action(async (service: string, name: string, weight: number) => {
      await say({ service, server: name, hand: { type: 'weight', weight } })
    })

  async function say({ service, ...rest }: HandRequest): Promise<HandAnswer['servers'] | undefined> {
    const answer = await client().hand({ service: service === ALL ? undefined : service, ...rest })
    if ('failure' in answer) {
      process.stderr.write(`tanist: ${answer.failure}\n`)
      process.exitCode = EXIT_NOT_DONE
      return undefined
    }
    for (const each of answer.servers) process.stdout.write(`${each.server} of ${each.service}: ${wordOf(rest.hand)}\n`)
    return answer.servers
  }
}

function wordOf(hand: HandRequest['hand']): string {
  switch (hand.type) {
    case 'drain':
      return 'drains'
    case 'disable':
      return 'disabled'
    case 'enable':
      return 'enabled'
    case 'weight':
      return `weight ${hand.weight}`
  }
}

/** Waits until no connection to these is left, and says how many there are meanwhile. Returns how many there are at the end. */
async function waitForEnd(
  client: ControlClient,
  servers: HandAnswer['servers'],
  countClients: boolean,
  timeoutSeconds: number,
): Promise<number> {
  const deadline = performance.now() + timeoutSeconds * 1000
  let said: number | undefined
  for (;;) {
    const begun = performance.now()
    const left = await countLeft(client, servers, countClients)
    if (left === 0 || performance.now() >= deadline) return left
    if (left !== said) process.stdout.write(`${left} left\n`)
    said = left
    const pause = Math.max(COUNT_AGAIN_MS, COUNT_SHARE * (performance.now() - begun))
    await sleep(Math.min(pause, Math.max(0, deadline - performance.now())))
  }
}

async function countLeft(
  client: ControlClient,
  servers: HandAnswer['servers'],
  countClients: boolean,
): Promise<number> {
  const byAddress = Map.groupBy(servers.map(placesOf), ({ server }) => server.address)
  let left = 0
  for (const [address, places] of byAddress) {
    for await (const connection of client.connections({ server: { address, port: undefined } })) {
      const isLeft = connection.client.port === 0 ? countClients : !OVER.has(connection.state)
      if (isLeft && places.some((place) => isAt(connection, place))) left++
    }
  }
  return left
}

/** Where the connections of a server's service go; port 0 is any. Those of a service by mark go to any virtual address. */
interface Places {
  readonly server: Endpoint
  readonly virtual: Endpoint | undefined
  readonly protocol: string | undefined
}

function placesOf({ service, server }: HandAnswer['servers'][number]): Places {
  const [, address = '', protocol, port] = /^\[(.*)\]:(\w+):(\d+)$/.exec(service) ?? []
  const virtual = parseAddress(address)
  return {
    server: endpointOf(server),
    virtual: virtual && { address: virtual, port: Number(port) },
    protocol: virtual && protocol?.toUpperCase(),
  }
}

function endpointOf(name: string): Endpoint {
  const [, text = '', port] = /^\[(.*)\]:(\d+)$/.exec(name) ?? []
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${name} is no endpoint`)
  return { address, port: Number(port) }
}

function isAt(connection: ListedConnection, { server, virtual, protocol }: Places): boolean {
  const fits = (end: Endpoint, place: Endpoint) =>
    end.address === place.address && (place.port === 0 || end.port === 0 || end.port === place.port)
  return (
    fits(connection.destination, server) &&
    (virtual === undefined || (connection.protocol === protocol && fits(connection.virtual, virtual)))
  )
}

/** Throws what commander shows as a mistake in the command line. */
function secondsOf(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a number of seconds')
}

/** The same. */
function weightOf(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text)
  throw new InvalidArgumentError('a whole number from 0 to 2147483647')
}
