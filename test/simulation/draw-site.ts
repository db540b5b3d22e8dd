import { loadConfig } from '../../src/config/load.ts'
import type { Chance } from '../../src/simulate/chance.ts'
import { type DirectorSetup, type ElectionConfig, type Site, siteOf } from '../../src/simulate/setup.ts'
import { surroundings } from '../support/surroundings.ts'

/** A director of a scenario: its configurations as texts, the first of which it starts with. */
export interface DirectorFile {
  readonly name: string
  readonly configs: readonly string[]
}

/** What the instances of one virtual router have in common. */
interface DrawnRouter {
  readonly vrid: number
  readonly device: string
  readonly version: 2 | 3
  readonly family: 4 | 6
  readonly unicast: boolean
  readonly interval: number
  readonly owner: number | undefined
}

/** The directors that texts come to. */
export const siteOfFiles = (files: readonly DirectorFile[]): Site =>
  siteOf(
    files.map(({ name, configs }): DirectorSetup => {
      const [first, ...others] = configs.map((text) => electionOf(name, text))
      if (first === undefined) throw new Error(`${name} has no configuration`)
      return { name, configs: [first, ...others] }
    }),
  )

function electionOf(name: string, text: string): ElectionConfig {
  const { config, diagnostics } = loadConfig({ name, text }, surroundings())
  if (config === undefined) throw new Error(`${text}\n${diagnostics.map(({ message }) => message).join('\n')}`)
  return config
}

/** Two to five directors with up to four virtual routers, of all kinds that a file can make. */
export function drawFiles(chance: Chance): readonly DirectorFile[] {
  const hosts = chance.pick([2, 2, 2, 3, 3, 4, 5])
  const count = chance.pick([1, 1, 2, 2, 3, 4])
  const devices = chance.pick([1, 1, 2])
  const fast = chance.percent(20)
  const routers = Array.from({ length: count }, (_, i): DrawnRouter => {
    const version = chance.percent(25) && !fast ? 2 : 3
    const family = version === 3 && chance.percent(20) ? 6 : 4
    return {
      vrid: 51 + i,
      device: `eth${i % devices}`,
      version,
      family,
      unicast: family === 4 && chance.percent(30),
      interval:
        version === 2 ? chance.pick([1, 1, 2]) : fast ? chance.pick([0.1, 0.2, 0.4]) : chance.pick([1, 1, 1, 2, 3]),
      owner: chance.percent(6) ? chance.below(hosts) : undefined,
    }
  })
  const grouped = count > 1 && chance.percent(50)
  const styles = {
    preempt: chance.percent(65),
    delay: chance.percent(20),
    tracks: chance.percent(60),
    linkDelay: chance.percent(15),
  }
  return Array.from({ length: hosts }, (_, host): DirectorFile => {
    const priority = chance.pick([1, 50, 100, 100, 150, 200, 254])
    const priorities = routers.map(({ owner }) =>
      owner === host ? 255 : chance.percent(70) ? priority : 1 + chance.below(254),
    )
    const write = (priorities: readonly number[], more: boolean, count = routers.length) =>
      fileText(chance, { host, hosts, routers: routers.slice(0, count), priorities, grouped, styles, more })
    const other = routers.map((router, i) => (router.owner === host ? 255 : (priorities[i] ?? 100) === 100 ? 120 : 100))
    const configs = [write(priorities, false), write(other, chance.percent(50))]
    // One from which an instance is removed.
    if (count > 1) configs.push(write(priorities, false, count - 1))
    return { name: 'abcde'.charAt(host), configs }
  })
}

interface Drawn {
  readonly host: number
  readonly hosts: number
  readonly routers: readonly DrawnRouter[]
  readonly priorities: readonly number[]
  readonly grouped: boolean
  readonly styles: {
    readonly preempt: boolean
    readonly delay: boolean
    readonly tracks: boolean
    readonly linkDelay: boolean
  }
  /** Another virtual address, besides the adverts. */
  readonly more: boolean
}

const addressOf = (device: string, host: number) => `10.${device === 'eth0' ? 1 : 2}.0.${host + 1}`

function fileText(chance: Chance, { host, hosts, routers, priorities, grouped, styles, more }: Drawn): string {
  const isTracked = styles.tracks && chance.percent(70)
  const lines: string[] = []
  if (isTracked) {
    lines.push('track_file load {', '  file /run/load', '}')
    lines.push('vrrp_script well {', '  script "/bin/true"', '  user root', '  interval 1', '}')
  }
  if (styles.linkDelay) lines.push('interface_up_down_delays {', '  eth0 0.3 0.7', '}')
  for (const [i, { vrid, device, version, family, unicast, interval, owner }] of routers.entries()) {
    // RFC 9568 lets directors have different intervals; RFC 3768 does not.
    const own = version === 3 && chance.percent(15) ? interval * chance.pick([1, 2, 3]) : interval
    const priority = priorities[i] ?? 100
    const net = device === 'eth0' ? 1 : 2
    const address = family === 4 ? `10.${net}.0.${100 + i}/24` : `2001:db8:${net}::${100 + i}/64`
    lines.push(`vrrp_instance vi${i} {`, `  interface ${device}`, `  virtual_router_id ${vrid}`, `  version ${version}`)
    lines.push(`  priority ${priority}`, `  advert_int ${Math.round(own * 100) / 100}`)
    if (!styles.preempt && priority < 255 && chance.percent(60)) lines.push('  nopreempt')
    else if (styles.delay && owner === undefined) lines.push(`  preempt_delay ${chance.pick([1, 3, 10])}`)
    if (unicast) {
      const peers = Array.from({ length: hosts }, (_, peer) => peer).filter((peer) => peer !== host)
      lines.push(`  unicast_src_ip ${addressOf(device, host)}`, '  unicast_peer {')
      lines.push(...peers.map((peer) => `    ${addressOf(device, peer)}`), '  }')
    } else if (family === 4) lines.push(`  mcast_src_ip ${addressOf(device, host)}`)
    lines.push('  virtual_ipaddress {', `    ${address}`, '  }')
    if (more && i === 0 && family === 4) lines.push('  virtual_ipaddress_excluded {', '    10.9.0.1/32', '  }')
    if (isTracked && priority < 255 && !grouped) {
      lines.push('  track_file {', `    load weight ${chance.pick([1, -1, 2])}`, '  }')
      lines.push('  track_script {', `    well${chance.percent(50) ? ` weight ${chance.pick([-60, 40])}` : ''}`, '  }')
    }
    lines.push('}')
  }
  if (grouped) {
    const members = routers.flatMap((_, i) => (i < 3 ? [`vi${i}`] : []))
    lines.push('vrrp_sync_group all {', '  group {', ...members.map((name) => `    ${name}`), '  }')
    if (isTracked) lines.push('  track_script {', '    well', '  }')
    lines.push('}')
  }
  return `${lines.join('\n')}\n`
}
