import type { ArgumentsOf, Performs } from './perform.ts'
import type { Undo } from '../daemons/daemon.ts'
import type { HostWord } from '../../drill/language/words.ts'
import { DIRECTORS } from '../../drill/recording.ts'
import { ran, type Stage } from '../stage.ts'
import type { SiteDirector } from '../site.ts'

/** The ports of a machine at the switch: that of one of its interfaces, or all. Throws when there is no such interface. */
function portsOf(stage: Stage, word: HostWord, at: string | undefined): readonly string[] {
  const ports = stage.portsOf(word)
  if (ports === undefined) throw new Error(`the switch that ${word} is at cannot be reached`)
  if (at === undefined) return [...ports.values()]
  const port = ports.get(at)
  if (port !== undefined) return [port]
  throw new Error(`${word} has no interface ${at}: ${[...ports.keys()].join(', ')}`)
}

/**
 * Rules of nftables for what a switch sends to a machine (`egress`) or has from it (`ingress`), in a table of their own by that name.
 * The other ways to drop packets (tc) need modules that not every kernel has.
 */
async function dropped(
  stage: Stage,
  what: { readonly text: string; readonly table: string; readonly hook: 'egress' | 'ingress'; readonly port: string },
  rules: readonly string[],
): Promise<Undo> {
  const { text, table, hook, port } = what
  const chain = `chain c { type filter hook ${hook} device "${port}" priority 0; ${rules.join('; ')}; }`
  return await stage.act(stage.switch, {
    text,
    act: ['nft', `table netdev ${table} { ${chain}; }`],
    undo: ['nft', 'delete', 'table', 'netdev', table],
  })
}

const HOOKS = { in: 'egress', out: 'ingress' } as const
const tableOf = (purpose: string, port: string) => `drill_${purpose}_${port.replaceAll(/\W/g, '_')}`

async function pullCable(stage: Stage, { of, at, way }: ArgumentsOf<'pull cable'>): Promise<readonly Undo[]> {
  const undos: Undo[] = []
  for (const port of portsOf(stage, of, at)) {
    const text = `pull the cable of ${of}`
    undos.push(
      way === 'both'
        ? await stage.act(stage.switch, {
            text,
            act: ['ip', 'link', 'set', port, 'down'],
            undo: ['ip', 'link', 'set', port, 'up'],
          })
        : await dropped(stage, { text, table: tableOf(`cable_${way}`, port), hook: HOOKS[way], port }, ['drop']),
    )
  }
  return undos
}

/** Its name, and that of its first instance when none is said. */
function interfaceOf({ config, name }: SiteDirector, at: string | undefined): string {
  const found = at ?? config.instances.find((each) => each.interface !== '')?.interface
  if (found === undefined) throw new Error(`no instance of ${name} has an interface`)
  return found
}

/** With the link the kernel drops the routes by it: they are put back. Addresses of IPv6 stay because they are told to. */
const LINK_DOWN = `sysctl -qw "net.ipv6.conf.$1.keep_addr_on_down=1" 2>/dev/null
ip route show dev "$1" >"$2" && ip link set "$1" down`
const LINK_UP = `ip link set "$1" up || exit
while read -r route; do ip route replace $route dev "$1" 2>/dev/null; done <"$2"
rm -f "$2"`

async function disturb(stage: Stage, args: ArgumentsOf<'disturb'>): Promise<readonly Undo[]> {
  const { of, at, way, ...how } = args
  if (stage.site.switch === undefined) return [await disturbHost(stage, args)]
  const undos: Undo[] = []
  for (const port of portsOf(stage, of, at)) {
    const text = `disturb ${of}`
    // By the end of its name: ports of one machine begin alike.
    const [inner, outer] = [`${port.slice(-12)}-w0`, `${port.slice(-12)}-w1`]
    const bridge = /\bmaster (\S+)/.exec(await ran(stage.switch, ['ip', '-o', 'link', 'show', port]))?.[1]
    if (bridge === undefined) throw new Error(`${of} is disturbed already`)
    const make = `ip link add ${inner} type veth peer name ${outer} && ip link set ${inner} up && ip link set ${outer} up`
    const wire = await stage.act(stage.switch, {
      text,
      act: ['sh', '-c', make],
      undo: ['ip', 'link', 'delete', inner],
    })
    const task = [port, inner, String(stage.seed), JSON.stringify({ way, ...how })]
    const worker = await stage.switch.work('wire', task)
    const ending = stage.leave({ text: `calm ${of}`, run: () => worker.end().then(() => undefined) })
    // Only now, and in one go: what passes is to be disturbed, and not cut until the program has begun.
    const plug = `ip link set ${port} nomaster && ip link set ${outer} master ${bridge}`
    const unplug = `ip link set ${outer} nomaster; ip link set ${port} master ${bridge}`
    const plugged = await stage.act(stage.switch, { text, act: ['sh', '-c', plug], undo: ['sh', '-c', unplug] })
    undos.push(wire, ending, plugged)
  }
  return undos
}

/** The interface of a real machine: that of its first instance, and of the client that to the first virtual address. */
async function realInterface(stage: Stage, of: HostWord, at: string | undefined): Promise<string> {
  const name = DIRECTORS.find((each) => each === stage.sameName(of))
  if (name !== undefined) return interfaceOf(stage.site.directors[name], at)
  const [address = ''] = stage.site.virtualAddresses
  const device = at ?? / dev (\S+)/.exec(await ran(await stage.placeOf(of), ['ip', '-o', 'route', 'get', address]))?.[1]
  if (device === undefined) throw new Error(`${of} has no way to ${address}`)
  return device
}

/** On a real machine the kernel's own emulator does it, to what the machine sends. */
async function disturbHost(
  stage: Stage,
  { of, at, way, lose, delay, jitter, duplicate, corrupt, reorder }: ArgumentsOf<'disturb'>,
): Promise<Undo> {
  if (way !== 'out') throw new Error('what a real machine hears cannot be disturbed there: say way: out')
  const place = await stage.placeOf(of)
  const device = await realInterface(stage, of, at)
  const words = [
    ...(lose === undefined ? [] : ['loss', `${lose}%`]),
    ...(delay === undefined ? [] : ['delay', `${delay}ms`, ...(jitter === undefined ? [] : [`${jitter}ms`])]),
    ...(duplicate === undefined ? [] : ['duplicate', `${duplicate}%`]),
    ...(corrupt === undefined ? [] : ['corrupt', `${corrupt}%`]),
    ...(reorder === undefined ? [] : ['reorder', `${reorder}%`]),
  ]
  return stage.act(place, {
    text: `disturb ${of}`,
    act: ['tc', 'qdisc', 'add', 'dev', device, 'root', 'netem', ...words],
    undo: ['tc', 'qdisc', 'delete', 'dev', device, 'root', 'netem'],
  })
}

async function separate(stage: Stage, deaf: ArgumentsOf<'separate'>['deaf']): Promise<readonly Undo[]> {
  const undos: Undo[] = []
  for (const name of stage.namesOf(deaf)) {
    const other = stage.site.directors[name === 'director1' ? 'director2' : 'director1']
    const text = `${name} does not hear ${other.name}`
    const { place, ports } = stage.site.directors[name]
    if (ports === undefined) {
      const drop = 'meta l4proto 112 drop'
      undos.push(
        await stage.act(place, {
          text,
          act: ['nft', `table inet drill_separate { chain c { type filter hook input priority -300; ${drop}; }; }`],
          undo: ['nft', 'delete', 'table', 'inet', 'drill_separate'],
        }),
      )
      continue
    }
    const links = JSON.parse(await ran(other.place, ['ip', '-json', 'link'])) as {
      address?: string
      link_type: string
    }[]
    const macs = links.flatMap(({ address, link_type: type }) =>
      type === 'ether' && address !== undefined ? address : [],
    )
    const rules = [
      `ether saddr { ${[...new Set(macs)].join(', ')} } drop`,
      'ip protocol 112 drop',
      'ip6 nexthdr 112 drop',
    ]
    for (const port of ports.values()) {
      undos.push(await dropped(stage, { text, table: tableOf('deaf', port), hook: 'egress', port }, rules))
    }
  }
  return undos
}

export const NETWORK_STEPS: Performs<
  'pull cable' | 'plug cable' | 'take link down' | 'bring link up' | 'disturb' | 'calm' | 'separate' | 'join'
> = {
  'pull cable': async (stage, args) =>
    stage.keep(`cable ${stage.sameName(args.of)}`, ...(await pullCable(stage, args))),
  'plug cable': (stage, { of }) => stage.takeBack(`cable ${stage.sameName(of)}`),
  async 'take link down'(stage, { of, at }) {
    const director = stage.site.directors[stage.nameOf(of)]
    const device = interfaceOf(director, at)
    const saved = `${director.folder}/${director.id}-routes-${device}`
    const undo = await stage.act(director.place, {
      text: `take ${device} of ${director.name} down`,
      act: ['sh', '-c', LINK_DOWN, 'sh', device, saved],
      undo: ['sh', '-c', LINK_UP, 'sh', device, saved],
    })
    stage.keep(`link ${director.name} ${device}`, undo)
  },
  'bring link up'(stage, { of, at }) {
    const director = stage.site.directors[stage.nameOf(of)]
    return stage.takeBack(`link ${director.name} ${interfaceOf(director, at)}`)
  },
  disturb: async (stage, args) => stage.keep(`disturb ${stage.sameName(args.of)}`, ...(await disturb(stage, args))),
  calm: (stage, { of }) => stage.takeBack(`disturb ${stage.sameName(of)}`),
  async separate(stage, { deaf }) {
    stage.keep('separate', ...(await separate(stage, deaf)))
  },
  join: (stage) => stage.takeBack('separate'),
}
