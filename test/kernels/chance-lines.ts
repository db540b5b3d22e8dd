import { dice } from '../../src/simulate/dice.ts'

/** Command lines of ipvsadm made by chance, right and wrong; the same ones for a seed in each run. */
export function chanceLines(seed: number, count: number): string[] {
  const roll = dice(seed)
  const any = <T>(list: readonly T[]): T => list[roll(list.length)] as T
  const oneIn = (odds: number) => roll(odds) === 0
  return Array.from({ length: count }, () => {
    const [command, options] = oneIn(4) ? soup(any, roll) : sensible(any, oneIn)
    const shuffled = oneIn(3) ? options.toSorted(() => roll(3) - 1) : options
    const words = [command, ...shuffled].flatMap((option) => written(option, any, oneIn))
    if (oneIn(20)) words.splice(roll(words.length + 1), 0, any(STRAY))
    if (oneIn(25)) words.splice(roll(words.length), 1)
    return ['ipvsadm', ...clustered(words, oneIn)].join(' ')
  })
}

type Any = <T>(list: readonly T[]) => T
type OneIn = (odds: number) => boolean

/** An option, and its value if there is one. */
type Option = readonly [name: string, value?: string]

const SERVICES: readonly Option[] = [
  ['-t', '10.0.0.1:80'],
  ['-t', '10.0.0.1:80'],
  ['-t', '10.0.0.2:0'],
  ['-u', '10.0.0.1:53'],
  ['-f', '1'],
  ['-t', '[fd00::1]:80'],
  ['--sctp-service', '10.0.0.1:9'],
]
const each = (name: string, values: string): Option[] => values.split(' ').map((value) => [name, value])
const ODD_SERVICES: readonly Option[] = [
  ...each(
    '-t',
    '10.0.0.1 10.0.0.1: :80 10.0.0.1:http 10.0.0.1:+80 10.0.0.1:99999 10.0.0.1:-1 10.0.0.1:nosuch nowhere:80 localhost:80 1234 0 10.1:80 010.0.0.1:80 [fd00::1]',
  ),
  ...each(
    '-u',
    'fd00::1 fd00::1:80 [::ffff:10.0.0.1]:80 ::ffff:10.0.0.1 [10.0.0.1]:80 0.0.0.0:80 255.255.255.255:80 224.0.0.1:80 10.0.0.1:80:80 [fd00::1]:80x 10.0.0.1:080 10.0.0.1:0x50',
  ),
  ...each('-f', '0 -1 +1 0x1 4294967295 4294967296 x 1x 01 2147483648 99999999999'),
]
const SERVERS = ['10.1.0.1', '10.1.0.1:80', '10.1.0.2:8080', '10.1.0.3', '[fd01::1]:80']
const ODD_SERVERS =
  '0.0.0.0 0.0.0.1 255.255.255.255 10.1.255.255 127.0.0.1 224.0.0.1:80 240.0.0.1 10.1 nowhere fd01::2 fd01::2:80 [fd01::2] [fe80::1]:80 [ff02::1]:80 [::]:80 ::1 [::ffff:10.1.0.1]:80 10.1.0.1:+80 10.1.0.1: 10.1.0.1:x 10.1.0.1:65536 10.1.0.1:http 10.1.0.1:0 [::ffff:10.0.0.1]'.split(
    ' ',
  )
const WEIGHTS = [
  '0',
  '1',
  '5',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '-1',
  '+3',
  '0x5',
  '010',
  'x',
  '5x',
  '99999999999',
]
const THRESHOLDS = ['0', '2', '5', '9', '2147483647', '2147483648', '4294967295', '4294967296', '-1', '+4', 'x', '0x9']
const SCHEDULERS = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'sh',
  'mh',
  'dh',
  'fo',
  'none',
  'lblc',
  'nosuch',
  'RR',
  'a-name-of-16-chs',
  'a-much-too-long-name',
]
const FLAGS = [
  'sh-port',
  'sh-fallback,sh-port',
  'mh-port',
  'flag-1',
  'flag-3',
  'flag-1,flag-2',
  'flag-4',
  'nosuch',
  'sh-port,',
  ',sh-port',
  'mh-fallback,nosuch',
]
const TIMES = ['1', '60', '300', '0', '-1', '+60', '2678400', '2678401', '0x10', 'x', '60x', '99999999999']
const MASKS = [
  '255.255.255.0',
  '255.255.0',
  '255.0.0.0',
  '0.0.0.0',
  '255.255.255.255',
  '64',
  '128',
  '0',
  '129',
  '-1',
  '+64',
  'x',
  '0xffffff00',
  '64x',
]
const TYPES = ['ipip', 'gue', 'gre', 'GUE', 'x']
const PORTS = ['6080', '0', '1', '65535', '65536', '-1', '+6080', 'x', '0x10']
const LISTS = [
  '--stats',
  '--rate',
  '--thresholds',
  '--persistent-conn',
  '--tun-info',
  '--exact',
  '-X',
  '--nosort',
  '--sort',
  '-n',
  '-c',
  '--timeout',
  '--daemon',
]
const STRAY = [
  'extra',
  '--',
  '-',
  '-q',
  '--nosuch',
  '--nosuch=1',
  '-n',
  '-h',
  '-v',
  '--help',
  '-6',
  '--ipv6',
  '-C',
  '-=',
  '--weight',
  '-p',
  '--stats',
  '-0',
]
const COMMANDS =
  '-A -E -D -a -e -d -L -Z -S -C -h -v --set --start-daemon --stop-daemon --add-service --edit-service --delete-service --add-server --edit-server --delete-server --list --zero --save --clear --help --version -l -R --restore'.split(
    ' ',
  )

const service = (any: Any, oneIn: OneIn): Option => (oneIn(5) ? any(ODD_SERVICES) : any(SERVICES))

function serviceOptions(any: Any, oneIn: OneIn): Option[] {
  const options: Option[] = []
  if (oneIn(2)) options.push(['-s', any(SCHEDULERS)])
  if (oneIn(3)) options.push(oneIn(2) ? ['-p'] : ['-p', oneIn(2) ? '60' : any(TIMES)])
  if (oneIn(6)) options.push(['-M', any(MASKS)])
  if (oneIn(6)) options.push(['-b', any(FLAGS)])
  if (oneIn(8)) options.push(['-o'])
  if (oneIn(10)) options.push(['--pe', any(['sip', 'sip', 'nosuch', 'a-name-of-16-chs'])])
  return options
}

function serverOptions(any: Any, oneIn: OneIn): Option[] {
  const options: Option[] = [['-r', oneIn(4) ? any(ODD_SERVERS) : any(SERVERS)]]
  if (!oneIn(4)) options.push([any(['-g', '-m', '-m', '-i'])])
  if (oneIn(3)) options.push(['-w', any(WEIGHTS)])
  if (oneIn(4)) options.push(['-x', any(THRESHOLDS)])
  if (oneIn(4)) options.push(['-y', any(THRESHOLDS)])
  if (oneIn(5)) options.push(['--tun-type', any(TYPES)])
  if (oneIn(6)) options.push(['--tun-port', any(PORTS)])
  if (oneIn(8)) options.push([any(['--tun-csum', '--tun-nocsum', '--tun-remcsum'])])
  return options
}

/** A command with options that are for it. */
function sensible(any: Any, oneIn: OneIn): [Option, Option[]] {
  const id = service(any, oneIn)
  const mark6: Option[] = id[0] === '-f' && oneIn(4) ? [['-6']] : []
  switch (any(['service', 'service', 'server', 'server', 'server', 'delete', 'list', 'list', 'other'] as const)) {
    case 'service':
      return [[any(['-A', '-A', '-E'])], [id, ...mark6, ...serviceOptions(any, oneIn)]]
    case 'server':
      return [[any(['-a', '-a', '-e'])], [id, ...mark6, ...serverOptions(any, oneIn)]]
    case 'delete':
      return oneIn(2)
        ? [[any(['-D', '-Z'])], [id, ...mark6]]
        : [['-d'], [id, ...mark6, ['-r', oneIn(4) ? any(ODD_SERVERS) : any(SERVERS)]]]
    case 'list':
      return [
        [any(['-L', '-l', '--list'])],
        [['-n'], ...(oneIn(3) ? [id, ...mark6] : []), ...some(any, oneIn, LISTS).map((name): Option => [name])],
      ]
    case 'other':
      return any<() => [Option, Option[]]>([
        () => [
          ['--set', any(TIMES)],
          [[any(TIMES)], [any(TIMES)], ...(oneIn(4) ? [[any(TIMES)] as const] : [])],
        ],
        () => [
          ['--set', '0'],
          [['0'], ['0']],
        ],
        () => [[any(['-S', '-Z', '-C', '-R', '-h', '-v'])], oneIn(3) ? [['-n']] : []],
        () => [
          ['--stop-daemon', any(['master', 'backup', 'x'])],
          oneIn(3) ? [['--syncid', any(['1', '256', 'x'])]] : [],
        ],
        () => [
          ['--start-daemon', any(['x', 'master', 'backup'])],
          [
            ['--mcast-interface', 'nosuch0'],
            ...(oneIn(3) ? [['--syncid', any(['255', '256', '-1', 'x'])] as const] : []),
            ...(oneIn(3) ? [['--sync-maxlen', any(['0', '1400', '65508', 'x'])] as const] : []),
            ...(oneIn(3)
              ? [['--mcast-group', any(['224.0.0.81', '10.0.0.1', 'ff02::1', 'fd00::1', 'x'])] as const]
              : []),
            ...(oneIn(3) ? [['--mcast-port', any(['8848', '0', '65536', 'x'])] as const] : []),
            ...(oneIn(3) ? [['--mcast-ttl', any(['1', '0', '256', 'x'])] as const] : []),
          ],
        ],
      ])()
  }
}

const some = (any: Any, oneIn: OneIn, list: readonly string[]): string[] => [
  ...(oneIn(4) ? [] : [any(list)]),
  ...(oneIn(3) ? [any(list)] : []),
  ...(oneIn(8) ? [any(list)] : []),
]

/** Any command with any options. */
function soup(any: Any, roll: (limit: number) => number): [Option, Option[]] {
  const oneIn = (odds: number) => roll(odds) === 0
  const all = (): Option =>
    any([
      service(any, oneIn),
      ...serviceOptions(any, oneIn),
      ...serverOptions(any, oneIn),
      [any(LISTS)],
      [any(['--syncid', '--mcast-port', '--mcast-ttl', '--sync-maxlen', '--mcast-interface', '--mcast-group']), '1'],
      [any(['-g', '-m', '-i', '--fullnat', '-6', '-o', '-n'])],
    ])
  return [[any(COMMANDS)], [...(oneIn(3) ? [] : [service(any, oneIn)]), ...Array.from({ length: roll(4) }, all)]]
}

const LONG: Readonly<Record<string, string>> = {
  '-t': '--tcp-service',
  '-u': '--udp-service',
  '-f': '--fwmark-service',
  '-s': '--scheduler',
  '-b': '--sched-flags',
  '-p': '--persistent',
  '-M': '--netmask',
  '-r': '--real-server',
  '-m': '--masquerading',
  '-i': '--ipip',
  '-g': '--gatewaying',
  '-w': '--weight',
  '-x': '--u-threshold',
  '-y': '--l-threshold',
  '-o': '--ops',
  '-n': '--numeric',
  '-6': '--ipv6',
  '-c': '--connection',
}

/** One of the ways in which an option can be written. */
function written([name, value]: Option, any: Any, oneIn: OneIn): string[] {
  const long = LONG[name]
  const word = long !== undefined && oneIn(4) ? long : name
  if (value === undefined) return [word]
  if (oneIn(6)) return word.startsWith('--') ? [`${word}=${value}`] : any([[`${word}${value}`], [`${word}=${value}`]])
  return [word, value]
}

/** Letters that follow each other are sometimes one word. */
function clustered(words: readonly string[], oneIn: OneIn): string[] {
  return words.reduce<string[]>((joined, word) => {
    const last = joined.at(-1)
    const letter = /^-[a-zA-Z]$/
    if (last === undefined || !/^-[a-zA-Z]+$/.test(last) || !letter.test(word) || !oneIn(5)) return [...joined, word]
    return [...joined.slice(0, -1), last + word.slice(1)]
  }, [])
}
