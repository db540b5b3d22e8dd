import { setTimeout as sleep } from 'node:timers/promises'
import { Capture } from './capture.ts'
import { DirectorHost } from './director.ts'
import { Lab, until } from './lab.ts'
import { startRequests } from './reporter.ts'
import { WebServer } from './web.ts'

const CLIENT = '10.0.0.10'
const DIRECTOR = '192.168.1.1'
const MORTAL = '192.168.1.11'
/** A new connection so often; every second one goes to the server that dies. */
const PERIOD_MS = 5
/** A SYN that is not answered is sent again after 1, 3 and 7 s; by then its port is not used for another connection. */
const SAME_SYN_MS = 20_000
const CHECK = { interval: 1000, timeout: 1000, retries: 1, delay: 200 } as const
/** What the director may take from the last failed check until no new connection goes there. */
const SLACK_MS = 50

/** How a server dies: its process does, so that its kernel refuses connections, or nothing that is sent to it is answered. */
export type Death = 'refuses' | 'is silent'

/** The longest time from the fault to the last new connection that is sent to the dead server, in ms: a refusal takes no time. */
export function longestTo(death: Death): number {
  const { interval, timeout, retries, delay } = CHECK
  const asked = death === 'refuses' ? 0 : timeout
  return interval + retries * (delay + asked) + asked + SLACK_MS
}

const config = `virtual_server 10.0.0.100 80 {
  delay_loop ${CHECK.interval / 1000}
  warmup 0
  lvs_sched rr
  lvs_method NAT
  protocol TCP
${[11, 12]
  .map(
    (host) => `  real_server 192.168.1.${host} 80 {
    TCP_CHECK {
      connect_timeout ${CHECK.timeout / 1000}
      retry ${CHECK.retries}
      delay_before_retry ${CHECK.delay / 1000}
    }
  }
`,
  )
  .join('')}}
`

/** A first packet of a connection, or the answer to it, as it passed in front of the server. */
interface Seen {
  /** In ms since the epoch, from the kernel. */
  readonly at: number
  readonly from: string
  readonly port: string
  readonly flags: 'S' | 'S.'
}

/** A client that opens connections all the time, through a director with two servers, of which one dies and comes back. */
export class DeadServerLab {
  readonly #lab = new Lab()
  readonly #director: DirectorHost
  readonly #mortal: WebServer

  constructor() {
    const lab = this.#lab
    for (const name of ['outside', 'inside']) lab.addSwitch(name)
    lab.addHost('client', [{ switch: 'outside', address: `${CLIENT}/24` }])
    lab.addHost('director', [
      { switch: 'outside', address: '10.0.0.1/24' },
      { switch: 'inside', address: `${DIRECTOR}/24` },
    ])
    lab.run('director', ['ip', 'address', 'add', '10.0.0.100/24', 'dev', 'eth0'])
    lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    for (const host of [11, 12])
      lab.addHost(`rs${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }], DIRECTOR)
    this.#mortal = new WebServer(lab, 'rs11')
    this.#director = new DirectorHost(lab, 'director', config)
  }

  async start(): Promise<void> {
    await Promise.all([this.#mortal.start(), new WebServer(this.#lab, 'rs12').start()])
    await this.#director.start()
    await this.#untilState('up')
    await startRequests(this.#lab, 'client', '10.0.0.100', PERIOD_MS)
  }

  destroy(): void {
    this.#lab.destroy()
  }

  /**
   * The server dies at a random moment of the interval of its check. Returns the time from its last answer to the last new connection that
   * is sent to it, in ms: longer than from the fault by what lies between two connections, at most. Afterwards it is back.
   */
  async die(death: Death): Promise<number> {
    const capture = await Capture.start(this.#lab, 'inside', `host ${MORTAL} and tcp[tcpflags] & tcp-syn != 0`)
    await until('connections to the server', () => seenBy(capture).filter(isNew).length > 10)
    await sleep(Math.random() * CHECK.interval)
    await this.#kill(death)
    await this.#untilState('down')
    const down = Date.now()
    // The checks go on: what passed before one of them has been captured by then.
    await until('a later check', () => seenBy(capture).some(({ from, at }) => from === DIRECTOR && at > down))
    capture.stop()
    const seen = seenBy(capture)
    await this.#revive(death)
    await this.#untilState('up')
    const answered = seen.findLast(({ flags }) => flags === 'S.')?.at
    const sent = seen.findLast(isNew)?.at
    if (answered === undefined || sent === undefined) throw new Error('nothing was captured')
    return sent - answered
  }

  async #untilState(state: 'up' | 'down'): Promise<void> {
    await until(`the server to be ${state}`, async () => {
      const server = (await this.#director.status()).services[0]?.servers[0]
      return server?.state === state && server.reason !== 'not checked yet'
    })
  }

  async #kill(death: Death): Promise<void> {
    if (death === 'refuses') await this.#mortal.stop()
    else this.#drop('-I')
  }

  async #revive(death: Death): Promise<void> {
    if (death === 'refuses') await this.#mortal.start()
    else this.#drop('-D')
  }

  /** Behind the capture, and without what finds neighbours. */
  #drop(how: '-I' | '-D'): void {
    this.#lab.run('rs11', ['iptables', '-t', 'raw', how, 'PREROUTING', '-i', 'eth0', '-p', 'tcp', '-j', 'DROP'])
  }
}

function seenBy({ text }: Capture): readonly Seen[] {
  const pattern = /^(\d+\.\d+) IP \(.*\)\n\s+([\d.]+)\.(\d+) > [\d.]+: Flags \[(S|S\.)\]/gm
  return [...text.matchAll(pattern)].map(([, at, from = '', port = '', flags]) => ({
    at: Number(at) * 1000,
    from,
    port,
    flags: flags === 'S' ? 'S' : 'S.',
  }))
}

/** The first SYN of a connection of the client, and not one that is sent again. */
const isNew = ({ from, flags, port, at }: Seen, index: number, all: readonly Seen[]): boolean =>
  from === CLIENT &&
  flags === 'S' &&
  !all.slice(0, index).some((other) => other.from === CLIENT && other.port === port && other.at > at - SAME_SYN_MS)
