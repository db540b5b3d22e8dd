import { isIpv4, parseAddress } from '../net/address.ts'
import type { Report } from './diagnostic.ts'
import { endpoint, serviceId, type ServiceId } from './keywords/virtual-server.ts'
import { words, type Word } from './lexer.ts'
import type { Source } from './source.ts'
import { Text } from './text.ts'

/** The number of a service's name (`http`), as /etc/services has it. */
export type PortOf = (name: string, protocol: string) => number | undefined

interface Service {
  readonly key: string
  readonly id: ServiceId
  readonly statements: readonly string[]
  readonly servers: Server[]
}

interface Server {
  readonly endpoint: string
  readonly method: string
  readonly statements: readonly string[]
}

/** ipvsadm's own default when `-p` has no number, in seconds. */
const PERSISTENCE = '360'

/**
 * What `ipvsadm-save` wrote, as the equivalent virtual_server blocks. Every line that has no equivalent is reported;
 * comments are skipped.
 */
export function importIpvsadm(source: Source, portOf: PortOf, report: Report): string {
  const services = new Map<string, Service>()
  let start = 0
  for (const line of source.text.split('\n')) {
    const text = Text.of(source, start, start + line.length)
    start += line.length + 1
    if (!/^\s*(#|$)/.test(line)) new Line(words(text), portOf, report).apply(services)
  }
  return [...services.values()].map(printService).join('\n')
}

function printService({ id, statements, servers }: Service): string {
  // One method for all is said once; a server with another one says it itself.
  const method = servers[0]?.method ?? 'DR'
  return [
    `virtual_server ${serviceId.print(id)} {`,
    ...statements.map((statement) => `  ${statement}`),
    `  lvs_method ${method}`,
    ...servers.flatMap((server) => [
      `  real_server ${server.endpoint} {`,
      ...[...(server.method === method ? [] : [`lvs_method ${server.method}`]), ...server.statements].map(
        (statement) => `    ${statement}`,
      ),
      '  }',
    ]),
    '}',
    '',
  ].join('\n')
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  '-t': 'TCP',
  '--tcp-service': 'TCP',
  '-u': 'UDP',
  '--udp-service': 'UDP',
  '--sctp-service': 'SCTP',
}

/** One command of the file. */
class Line {
  readonly #words: readonly Word[]
  readonly #portOf: PortOf
  readonly #report: Report
  #next = 0
  #failed = false

  constructor(line: readonly Word[], portOf: PortOf, report: Report) {
    this.#words = line
    this.#portOf = portOf
    this.#report = report
  }

  apply(services: Map<string, Service>): void {
    const command = this.#take()
    switch (command?.text ?? '') {
      case '-A':
      case '--add-service':
        this.#addService(services)
        break
      case '-a':
      case '--add-server':
        this.#addServer(services)
        break
      default:
        this.#fail(command, 'expected `-A` or `-a`, as ipvsadm-save writes them')
    }
  }

  #take(): Word | undefined {
    const word = this.#words[this.#next]
    if (word !== undefined) this.#next++
    return word
  }

  /** The value of an option. */
  #value(of: Word): string {
    const word = this.#take()
    if (word === undefined) this.#fail(of, `\`${of.text}\` needs a value`)
    return word?.text ?? ''
  }

  #fail(at: Word | undefined, message: string): void {
    const place = at ?? this.#words[0]
    if (place !== undefined && !this.#failed) this.#report('bad-value', place.at, message)
    this.#failed = true
  }

  /** `-t ADDRESS:PORT`, `-f MARK [-6]`: the service that the line is about. */
  #service(): { key: string; id: ServiceId; protocol: string | undefined; ipv6: boolean } | undefined {
    const kind = this.#take()
    const where = kind === undefined ? undefined : this.#take()
    if (kind === undefined || where === undefined) {
      this.#fail(kind, 'expected a service: -t, -u, --sctp-service or -f')
      return undefined
    }
    if (kind.text === '-f' || kind.text === '--fwmark-service') {
      const ipv6 = ['-6', '--ipv6'].includes(this.#words[this.#next]?.text ?? '')
      if (ipv6) this.#next++
      const fwmark = Number(where.text)
      if (!Number.isInteger(fwmark) || fwmark < 1) this.#fail(where, 'expected a firewall mark')
      return { key: `f ${fwmark} ${ipv6}`, id: { by: 'fwmark', fwmark }, protocol: undefined, ipv6 }
    }
    const protocol = PROTOCOLS[kind.text]
    const found = protocol === undefined ? undefined : this.#endpoint(where, protocol)
    if (protocol === undefined || found === undefined) {
      this.#fail(where, 'expected a service: -t, -u, --sctp-service or -f')
      return undefined
    }
    return { key: `${protocol} ${where.text}`, id: { by: 'address', ...found }, protocol, ipv6: !isIpv4(found.address) }
  }

  #endpoint(word: Word, protocol: string) {
    const match = /^\[?(.*?)\]?(?::([\w-]+))?$/.exec(
      word.text.includes(']') ? word.text : word.text.replace(/^([^:]*:[^:]*:.*)$/, '[$1]'),
    )
    const address = parseAddress(match?.[1] ?? '')
    const name = match?.[2] ?? '0'
    const port = /^\d+$/.test(name) ? Number(name) : this.#portOf(name, protocol)
    if (address !== undefined && port !== undefined && port <= 65_535) {
      return { address, port: port === 0 ? undefined : port }
    }
    this.#fail(
      word,
      address === undefined ? 'expected an address; save with `ipvsadm-save -n`' : 'expected a port; save with -n',
    )
    return undefined
  }

  #addService(services: Map<string, Service>): void {
    const service = this.#service()
    if (service === undefined) return
    const { key, id, protocol, ipv6 } = service
    const statements = [
      ...(protocol === undefined ? [] : [`protocol ${protocol}`]),
      ...(id.by === 'fwmark' && ipv6 ? ['ip_family inet6'] : []),
    ]
    let scheduler = 'wlc'
    for (let word = this.#take(); word !== undefined; word = this.#take()) {
      switch (word.text) {
        case '-s':
        case '--scheduler':
          scheduler = this.#value(word)
          if (scheduler === 'none')
            this.#fail(word, 'a service without a scheduler refuses every connection; leave it out')
          break
        case '-p':
        case '--persistent': {
          const next = this.#words[this.#next]
          statements.push(`persistence_timeout ${/^\d+$/.test(next?.text ?? '') ? this.#take()?.text : PERSISTENCE}`)
          break
        }
        case '-M':
        case '--netmask':
          statements.push(`persistence_granularity ${this.#value(word)}`)
          break
        case '--pe':
          statements.push(`persistence_engine ${this.#value(word)}`)
          break
        case '-o':
        case '--ops':
          statements.push('ops')
          break
        case '-b':
        case '--sched-flags':
          statements.push(...this.#value(word).split(','))
          break
        default:
          this.#fail(word, `no option of \`-A\`: \`${word.text}\``)
      }
    }
    if (this.#failed) return
    services.set(key, { key, id, statements: [...statements, `lvs_sched ${scheduler}`], servers: [] })
  }

  #addServer(services: Map<string, Service>): void {
    const named = this.#service()
    if (named === undefined) return
    const service = services.get(named.key)
    if (service === undefined) {
      this.#fail(undefined, 'this service was not added before')
      return
    }
    let method = 'DR'
    let where: string | undefined
    const tunnel: string[] = []
    const statements: string[] = []
    for (let word = this.#take(); word !== undefined; word = this.#take()) {
      switch (word.text) {
        case '-r':
        case '--real-server': {
          const target = this.#take()
          const found = target === undefined ? undefined : this.#endpoint(target, named.protocol ?? 'TCP')
          where = found === undefined ? undefined : endpoint.print(found)
          break
        }
        case '-g':
        case '--gatewaying':
          method = 'DR'
          break
        case '-i':
        case '--ipip':
          method = 'TUN'
          break
        case '-m':
        case '--masquerading':
          method = 'NAT'
          break
        case '--fullnat':
          method = 'FNAT'
          break
        case '-w':
        case '--weight':
          statements.push(`weight ${this.#value(word)}`)
          break
        case '-x':
        case '--u-threshold':
          statements.push(`uthreshold ${this.#value(word)}`)
          break
        case '-y':
        case '--l-threshold':
          statements.push(`lthreshold ${this.#value(word)}`)
          break
        case '--tun-type':
          tunnel.push(`type ${this.#value(word)}`)
          break
        case '--tun-port':
          tunnel.push(`port ${this.#value(word)}`)
          break
        case '--tun-nocsum':
        case '--tun-csum':
        case '--tun-remcsum':
          tunnel.push(word.text.slice('--tun-'.length))
          break
        default:
          this.#fail(word, `no option of \`-a\`: \`${word.text}\``)
      }
    }
    if (where === undefined) this.#fail(undefined, 'expected `-r` and an address')
    if (this.#failed || where === undefined) return
    service.servers.push({ endpoint: where, method: [method, ...tunnel].join(' '), statements })
  }
}
