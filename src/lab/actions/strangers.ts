import type { VirtualAddress, VrrpInstance } from '../../model/vrrp.ts'
import { type Address, isIpv4, isLinkLocal, parseAddress } from '../../net/address.ts'
import { type StrangeAdvert, SYN_SOURCES } from '../attacks.ts'
import type { Order } from '../programs/adverts.ts'
import { changed, ran, type Stage } from '../stage.ts'
import type { Performs } from './perform.ts'

/** The first of the active director's, or the one that is named. */
function virtualAddress(stage: Stage, wanted: string | undefined): VirtualAddress {
  const { config } = stage.site.directors[stage.active]
  const all = config.instances.flatMap(({ addresses, excludedAddresses }) => [...addresses, ...excludedAddresses])
  const found = wanted === undefined ? all[0] : all.find(({ address }) => address === wanted)
  if (found === undefined)
    throw new Error(wanted === undefined ? 'there is no virtual address' : `no instance has ${wanted}`)
  return found
}

function firstInstance(stage: Stage): VrrpInstance {
  const [instance] = stage.site.directors[stage.active].config.instances
  if (instance === undefined) throw new Error('there is no instance')
  return instance
}

/** A new address is announced when that of the link is set, though it is the same: a link that comes up says it before the switch hears it. */
const CLAIM = `sysctl -qw "net.ipv4.conf.$1.arp_notify=1" "net.ipv6.conf.$1.ndisc_notify=1"
ip address add "$2" dev "$1"
mac=$(ip -o link show dev "$1" | sed 's|.* link/ether \\([^ ]*\\) .*|\\1|')
ip link set "$1" address "$mac"`

/** What the stranger has itself. */
async function ownAddresses(stage: Stage): Promise<readonly Address[]> {
  const { place, interface: device } = stage.stranger
  const own = JSON.parse(await ran(place, ['ip', '-json', 'address', 'show', 'dev', device])) as Links
  return own.flatMap((link) => link.addr_info.flatMap(({ local }) => parseAddress(local) ?? []))
}

/** A network that a machine has no way to, or would look for on its own wire, it gets by way of another one. */
const WAY_BACK = `case "$(ip -o route get "\${1%/*}" 2>&1)" in
*' via '*) ;;
*) ip route replace "$1" via "$2" || ip route replace blackhole "$1" ;;
esac`

/**
 * Answers to a flood go by the stranger, as by the router of a real network, and end there. Otherwise each source is looked for by ARP, and
 * the table of neighbours, which is one for all machines of the lab and of this host, has no room for anybody else.
 */
async function giveWayBack(stage: Stage, to: Address): Promise<void> {
  const [network, by] = isIpv4(to)
    ? [SYN_SOURCES.ipv4, (await ownAddresses(stage)).find(isIpv4)]
    : [SYN_SOURCES.ipv6, (await ownAddresses(stage)).find((address) => !isIpv4(address) && !isLinkLocal(address))]
  const { directors, servers, client } = stage.site
  // It stays for as long as the lab does: what was asked during the flood is answered over and over for a minute.
  const reached = await Promise.all(servers.map((server) => server.place()))
  for (const place of [...Object.values(directors).map((each) => each.place), ...reached, client.place])
    await ran(place, ['sh', '-c', WAY_BACK, 'sh', network, by ?? ''])
}

/** An advert as the instance itself would send. */
async function likeOf(stage: Stage): Promise<StrangeAdvert> {
  const { version, vrid, priority, advertInt, addresses, family } = firstInstance(stage)
  const own = await ownAddresses(stage)
  const source = own.find((address) => (family === 4 ? isIpv4(address) : isLinkLocal(address)))
  if (source === undefined) throw new Error(`the stranger has no address of IPv${family}`)
  return {
    version,
    vrid,
    priority,
    intervalMs: advertInt,
    addresses: addresses.map(({ address }) => address),
    ttl: 255,
    source,
  }
}

/** What `ip` says of addresses. */
type Links = readonly { readonly addr_info: readonly { readonly local: string }[] }[]

export const STRANGER_STEPS: Performs<
  'remove address' | 'claim address' | 'unclaim address' | 'send adverts' | 'flood'
> = {
  async 'remove address'(stage, { of, address }) {
    const name = stage.nameOf(of)
    const { place } = stage.site.directors[name]
    const { address: found, prefix, device } = virtualAddress(stage, address)
    const how = [`${found}/${prefix}`, 'dev', device]
    const command = stage.daemons[name].undoCommands?.putBack(`${found}/${prefix}`, device)
    await stage.leaveAt(place, command, {
      text: `put ${found} of ${name} back`,
      run: async () => {
        const isHeld = stage.watch.holders(found).length > 0
        if (!isHeld) await changed(place, ['ip', 'address', 'replace', ...how])
        return undefined
      },
    })
    await changed(place, ['ip', 'address', 'delete', ...how])
  },
  async 'claim address'(stage, { address }) {
    const { place, interface: device } = stage.stranger
    const { address: found, prefix } = virtualAddress(stage, address)
    const undo = await stage.act(place, {
      text: `a stranger claims ${found}`,
      act: ['sh', '-ec', CLAIM, 'sh', device, `${found}/${prefix}`],
      undo: ['ip', 'address', 'delete', `${found}/${prefix}`, 'dev', device],
    })
    stage.keep('claim', undo)
  },
  'unclaim address': (stage) => stage.takeBack('claim'),
  async 'send adverts'(stage, { priority, times, every, interval, vrid, version, ttl, addresses, replayed }) {
    const { place, interface: device } = stage.stranger
    const sender = await place.work('adverts', [device])
    try {
      if (replayed) {
        const frames = await stage.watch.framesOf(stage.site.directors[stage.active])
        if (frames.length === 0) throw new Error(`no advert of ${stage.active} has been seen`)
        await sender.ask({ what: 'replay', frames, times, everyMs: every })
      } else {
        const advert = {
          ...(await likeOf(stage)),
          priority,
          ttl,
          ...(version === undefined ? {} : { version }),
          ...(vrid === undefined ? {} : { vrid }),
          ...(interval === undefined ? {} : { intervalMs: interval }),
          ...(addresses === undefined ? {} : { addresses: addresses.flatMap((each) => parseAddress(each) ?? []) }),
        }
        const order = { what: 'adverts', times, everyMs: every, ...advert } as Order
        await sender.ask(order)
      }
    } finally {
      await sender.end()
    }
  },
  async flood(stage, { with: kind, rate, for: duration }) {
    const { place, interface: device } = stage.stranger
    const sender = await place.work('adverts', [device])
    const target = stage.site.targets.tcp[0] ?? { address: virtualAddress(stage, undefined).address, port: 80 }
    if (kind === 'syn') await giveWayBack(stage, target.address)
    const flood = { what: 'flood', rate, forMs: duration, seed: stage.seed } as const
    const order: Order =
      kind === 'adverts'
        ? { ...flood, with: kind, like: await likeOf(stage) }
        : { ...flood, with: kind, address: target.address, port: target.port }
    // It goes on beside the next steps; when it is ended before its time, nobody waits for its answer any more.
    void sender.ask(order).then(
      (sent) => stage.watch.say(`flood: ${JSON.stringify(sent)}`),
      () => {},
    )
    stage.leave({ text: 'end the flood', run: () => sender.end().then(() => undefined) })
  },
}
