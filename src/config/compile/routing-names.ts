import type { Settings } from '../keywords/root.ts'
import type { Files } from '../preprocess/include.ts'

/** What a name of routing stands for. */
export type RoutingKind = 'table' | 'protocol' | 'scope' | 'realm' | 'tos' | 'group' | 'ipProtocol'

/** The number that a name, or a number as text, stands for; undefined when there is no such name, or the number is too big. */
export type NumberOf = (kind: RoutingKind, text: string) => number | undefined

interface Known {
  /** In iproute2's directories; the same with `.d` at its end is a directory of more files. */
  readonly file: string
  /** What an operator would call it. */
  readonly called: string
  readonly limit: number
  /** What the kernel itself gives a name to. */
  readonly builtIn: Readonly<Record<string, number>>
}

export const ROUTING_KINDS: Readonly<Record<RoutingKind, Known>> = {
  table: {
    file: 'rt_tables',
    called: 'routing table',
    limit: 2 ** 32 - 1,
    builtIn: { default: 253, main: 254, local: 255 },
  },
  protocol: {
    file: 'rt_protos',
    called: 'routing protocol',
    limit: 255,
    builtIn: { redirect: 1, kernel: 2, boot: 3, static: 4, ra: 9, bird: 12, dhcp: 16, keepalived: 18 },
  },
  scope: {
    file: 'rt_scopes',
    called: 'scope',
    limit: 255,
    builtIn: { global: 0, site: 200, link: 253, host: 254, nowhere: 255 },
  },
  realm: { file: 'rt_realms', called: 'realm', limit: 65_535, builtIn: { cosmos: 0 } },
  tos: { file: 'rt_dsfield', called: 'type of service', limit: 255, builtIn: {} },
  group: { file: 'group', called: 'group of interfaces', limit: 2 ** 31 - 1, builtIn: { default: 0 } },
  ipProtocol: {
    file: '/etc/protocols',
    called: 'IP protocol',
    limit: 255,
    builtIn: {
      icmp: 1,
      igmp: 2,
      tcp: 6,
      udp: 17,
      gre: 47,
      esp: 50,
      ah: 51,
      'ipv6-icmp': 58,
      ospf: 89,
      vrrp: 112,
      sctp: 132,
    },
  },
}

const DISTRIBUTION = '/usr/share/iproute2'
const ADMINISTRATOR = '/etc/iproute2'

/** Names as this host's iproute2 has them. Files are read when a name is asked for that is not the kernel's own. */
export function routingNames({ global_defs: global }: Settings, files: Files): NumberOf {
  const folders = [global?.iproute_usr_dir ?? DISTRIBUTION, global?.iproute_etc_dir ?? ADMINISTRATOR]
  const read = new Map<RoutingKind, ReadonlyMap<string, number>>()
  return (kind, text) => {
    const { limit, builtIn } = ROUTING_KINDS[kind]
    if (/^(0x[\da-f]{1,8}|\d{1,10})$/i.test(text)) return Number(text) <= limit ? Number(text) : undefined
    if (Object.hasOwn(builtIn, text)) return builtIn[text]
    const known = read.get(kind) ?? readNames(kind, folders, files)
    read.set(kind, known)
    return known.get(text.toLowerCase())
  }
}

/** The administrator's files count for more than those of the distribution. */
function readNames(kind: RoutingKind, folders: readonly string[], files: Files): ReadonlyMap<string, number> {
  const { file } = ROUTING_KINDS[kind]
  const paths =
    kind === 'ipProtocol'
      ? [file]
      : folders.flatMap((folder) => [`${folder}/${file}`, ...files.glob(`${folder}/${file}.d/*.conf`, '/')])
  const texts = paths.flatMap((path) => {
    const found = files.read(path)
    return 'text' in found ? [found.text] : []
  })
  return new Map(texts.flatMap((text) => [...(kind === 'ipProtocol' ? protocolsOf(text) : numbersOf(text))]))
}

/** `NUMBER NAME` on each line. */
function numbersOf(text: string): readonly (readonly [string, number])[] {
  return linesOf(text).flatMap(([number = '', name]) =>
    name === undefined || !/^(0x[\da-f]+|\d+)$/i.test(number) ? [] : [[name.toLowerCase(), Number(number)] as const],
  )
}

/** `NAME NUMBER ALIAS …` on each line. */
function protocolsOf(text: string): readonly (readonly [string, number])[] {
  return linesOf(text).flatMap(([name = '', number = '', ...aliases]) =>
    /^\d+$/.test(number) ? [name, ...aliases].map((each) => [each.toLowerCase(), Number(number)] as const) : [],
  )
}

const linesOf = (text: string): readonly string[][] =>
  text.split('\n').map((line) => (line.split('#')[0] ?? '').split(/\s+/).filter(Boolean))
