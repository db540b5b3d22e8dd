import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dice } from '../../src/simulate/dice.ts'
import { Lab } from '../support/lab.ts'
import {
  clientAddress,
  CLIENTS,
  comparable,
  IpvsTwin,
  PORT,
  type Request,
  serverAddress,
  SERVERS,
  TanistTwin,
  VIP,
} from './twins.ts'
import { LINES } from './lines.ts'
import type { Said } from './shell.ts'

/**
 * The kernel's IPVS and Tanist do the same side by side: what ipvsadm says, which server each client gets, what is counted.
 */
const lab = new Lab()
const ipvs = new IpvsTwin(lab)
const tanist = new TanistTwin(lab)

beforeAll(async () => {
  await Promise.all([ipvs.start(), tanist.start()])
})
afterAll(() => lab.destroy())

/** What each of them says. */
async function ofBoth(line: string, input?: string): Promise<readonly [ipvs: Said, tanist: Said]> {
  const [expected, actual] = await Promise.all([ipvs.ipvsadm(line, input), tanist.ipvsadm(line, input)])
  return [comparable(expected), comparable(actual)]
}

async function both(line: string, input?: string): Promise<Said> {
  const [expected, actual] = await ofBoth(line, input)
  if (expected.stdout === '') story.push(line)
  expect({ line, ...actual }, story.join('\n')).toEqual({ line, ...expected })
  return expected
}

/** What the two say differently; the next lines are compared all the same. */
let differences: object[] = []
beforeEach(() => {
  differences = []
})
async function compare(line: string): Promise<void> {
  const [expected, actual] = await ofBoth(line)
  if (!isDeepStrictEqual(actual, expected)) differences.push({ line, expected, actual })
}

async function run(...lines: readonly string[]): Promise<void> {
  for (const line of lines) expect({ line, ...(await both(line)) }).toEqual({ line, status: 0, stdout: '', stderr: '' })
}

/** What was done before. */
let story: string[] = []
beforeEach(() => {
  story = []
})

/** Both clients do it; the server that they get. */
async function ask(request: Request): Promise<string | undefined> {
  const [expected, actual] = await Promise.all([ipvs.ask(request), tanist.ask(request)])
  story.push(`${request.type} ${request.address}:${request.port} ${expected ?? ''}`)
  expect(actual, story.join('\n')).toBe(expected)
  return expected
}

describe('what ipvsadm says', () => {
  test('of every line', async () => {
    for (const line of LINES) {
      await compare(line)
      for (const list of ['-Ln', '-S -n']) await compare(`ipvsadm ${list}`)
    }
    expect(differences).toEqual([])
  })

  test('of saved rules that are restored', async () => {
    const rules = '-A -t 10.0.0.1:80 -s wrr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 3\n-A -f 3 -s sh -b sh-port -p 60\n'
    for (const input of [
      rules,
      `${rules}-A -t 10.0.0.1:80\n`,
      `-X\n${rules}`,
      '-a -f 9 -r 10.1.0.1\n\n',
      'ipvsadm -A -f 8',
    ]) {
      await both('ipvsadm -C')
      await both('ipvsadm -R', input)
      await both('ipvsadm -S -n')
    }
  })
})

// `twos` draws at random, and Debian's kernel has no such module.
const SCHEDULERS =
  'rr|wrr|lc|wlc|sed|nq|fo|ovf|dh|sh|sh -b sh-fallback,sh-port|mh|mh -b mh-fallback,mh-port|lblc|lblcr'.split('|')

/** What happens to each, by chance: fewer unless all is asked for. */
const STEPS = process.env['THOROUGH'] === undefined ? 12 : 30

describe('which server each client gets, and what is counted', () => {
  beforeEach(() => run('ipvsadm -C'))

  test.each(SCHEDULERS)('%s', async (scheduler) => {
    const roll = dice(scheduler.length)
    const vip = nextService()
    const service = `-t ${VIP}:${vip}`
    const there = new Set<number>()
    const connections: { readonly address: string; readonly port: number; readonly server: string }[] = []
    const settings = () => `-w ${roll(5)}${roll(3) === 0 ? ` -x ${1 + roll(3)}` : ''}`
    const add = async (host: number) => {
      await run(`ipvsadm -a ${service} -r ${serverAddress(host)}:${PORT} -m ${settings()}`)
      there.add(host)
    }
    await run(`ipvsadm -A ${service} -s ${scheduler}`)
    for (const host of SERVERS.slice(0, 4)) await add(host)
    for (let step = 0; step < STEPS; step++) {
      const host = SERVERS[roll(SERVERS.length)] as number
      const kind = roll(12)
      if (kind === 0 && there.has(host)) {
        await run(`ipvsadm -d ${service} -r ${serverAddress(host)}:${PORT}`)
        there.delete(host)
      } else if (kind < 2 && !there.has(host)) await add(host)
      else if (kind < 4 && there.has(host))
        await run(`ipvsadm -e ${service} -r ${serverAddress(host)}:${PORT} -m ${settings()}`)
      else if (kind < 6 && connections.length > 0) {
        const [ends] = connections.splice(roll(connections.length), 1)
        if (ends === undefined) continue
        // A FIN to a server that is gone would be sent again at some time.
        const { server, ...client } = ends
        const isThere = [...there].some((each) => serverAddress(each) === server)
        await ask({ ...client, type: isThere && roll(2) === 0 ? 'end' : 'reset' })
      } else {
        const ends = { address: clientAddress(CLIENTS[roll(CLIENTS.length)] as number), port: nextPort() }
        const server = await ask({ ...ends, type: 'open', vip })
        if (server !== undefined) connections.push({ ...ends, server })
      }
      await settled(vip)
    }
  })
})

test('a service that gets another scheduler begins its round anew', async () => {
  const vip = nextService()
  const service = `-t ${VIP}:${vip}`
  await run('ipvsadm -C', `ipvsadm -A ${service} -s rr`)
  for (const weight of [1, 2, 3]) {
    await run(`ipvsadm -a ${service} -r ${serverAddress(10 + weight)}:${PORT} -m -w ${weight}`)
  }
  for (const scheduler of ['rr', 'wrr', 'rr', 'wlc', 'wrr', 'rr']) {
    await run(`ipvsadm -E ${service} -s ${scheduler}`)
    for (let i = 0; i < 4; i++) await ask({ type: 'open', address: clientAddress(10), port: nextPort(), vip })
  }
})

describe('what is listed', () => {
  /** Both say the same, once IPVS's estimator has come by: it does every two seconds. */
  async function same(line: string, only: RegExp): Promise<void> {
    const lines = async (twin: IpvsTwin | TanistTwin) =>
      comparable(await twin.ipvsadm(line))
        .stdout.split('\n')
        .filter((each) => only.test(each))
    await agree(lines)
  }

  test('totals of a service and of a server that are made anew', async () => {
    const vip = nextService()
    const service = `-u ${VIP}:${vip}`
    const server = `${service} -r ${serverAddress(11)}:${PORT}`
    const [add, put] = [`ipvsadm -A ${service} -s rr`, `ipvsadm -a ${server} -m`]
    const client = { address: clientAddress(10), port: nextPort(), vip }
    await run('ipvsadm -C', add, put)
    for (const lines of [
      [`ipvsadm -D ${service}`, add, put],
      ['ipvsadm -C', add, put],
      [`ipvsadm -d ${server}`, put],
    ]) {
      for (let i = 0; i < 3; i++) await ask({ ...client, type: 'datagram' })
      await same('ipvsadm -Ln --stats', /:/)
      await run(...lines)
      await same('ipvsadm -Ln --stats', /:/)
    }
  })

  test.each([
    ['FTP', 21, PORT, 11],
    // A client of its own: IPVS keeps a template whose service is gone, and gives it port 65535 when it finds it again.
    ['every port', 0, 0, 12],
  ])('the ports of a template for %s', async (_what, vip, port, host) => {
    const service = `-t ${VIP}:${vip}`
    await run(
      'ipvsadm -C',
      `ipvsadm -A ${service} -s rr -p 300`,
      `ipvsadm -a ${service} -r ${serverAddress(12)}:${port} -m`,
    )
    await ask({ type: 'open', address: clientAddress(host), port: nextPort(), vip: vip || PORT })
    await same('ipvsadm -Lnc', new RegExp(`${clientAddress(host)}:0 `))
  })
})

/** Ports of clients and of services that no test has used before: neither engine forgets what is gone at once. */
const counter = (next: number) => () => next++
const nextPort = counter(20_000)
const nextService = counter(9000)

/** The lists of services and of one service's connections are the same, once the last packet has come through. */
async function settled(vip: number): Promise<void> {
  const lists = async (twin: IpvsTwin | TanistTwin) => {
    const { stdout } = comparable(await twin.ipvsadm('ipvsadm -Lnc'))
    const connections = stdout.split('\n').filter((line) => line.includes(`${VIP}:${vip} `))
    return [comparable(await twin.ipvsadm('ipvsadm -Ln')).stdout, ...connections].join('\n')
  }
  await agree(lists)
}

/** How long an emulated machine may take. */
const PATIENCE_MS = 60_000

/** Waits until both say the same. */
async function agree(read: (twin: IpvsTwin | TanistTwin) => Promise<unknown>): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; ;) {
    const [expected, actual] = await Promise.all([read(ipvs), read(tanist)])
    if (isDeepStrictEqual(actual, expected)) return
    if (performance.now() > deadline) expect(actual, story.join('\n')).toEqual(expected)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
