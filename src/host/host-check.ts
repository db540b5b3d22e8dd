import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { dirname, isAbsolute } from 'node:path'
import type { Report } from '../config/diagnostic.ts'
import { tlsClientOf } from '../config/compile/checks/http.ts'
import type { InstanceSettings, Settings } from '../config/keywords/root.ts'
import type { Places } from '../config/schema/entry.ts'
import type { Script } from '../config/schema/script.ts'
import type { Span } from '../config/source.ts'
import { lackingFeatures } from '../forward/ebpf/kernel.ts'
import { MissingLibraryError } from '../linux/library.ts'
import { keyFile } from '../config/keywords/hmac-key.ts'
import { clientCheckers } from '../config/checkers-of.ts'
import { readCaFile } from './ca-file.ts'
import { sysctlFacts } from './host-facts.ts'
import { readKeyFile } from './key-file.ts'
import { readTlsClient } from './tls-client.ts'
import { findOnPath } from '../linux/on-path.ts'
import { reasonOf } from './regular-file.ts'
import { Rtnetlink } from '../linux/rtnetlink.ts'
import { passedBy, passedByText } from './firewall-check.ts'
import { readFirewall } from './firewall-read.ts'
import { lackingPing } from './host-programs.ts'
import { weaknessOf } from './safe-path.ts'
import { isMuteHere, MUTE_HERE, MUTE_HERE_HINT } from './own-ports.ts'

/**
 * Reports what a configuration names and this host does not have: interfaces, addresses, scripts, users, files, and what the
 * forwarding core needs of the kernel; and passwords that everybody here can read.
 */
export function checkHost(settings: Settings, places: Places, report: Report): void {
  const host = new HostCheck(report, settings.global_defs?.script_user?.user)
  const dynamic = settings.global_defs?.dynamic_interfaces !== undefined
  for (const instance of settings.vrrp_instance) checkInstance(instance, places, host, dynamic)
  for (const block of settings.bfd_instance) {
    if (block.source_ip !== undefined) host.address(block.source_ip, places.of(block, 'source_ip'))
  }
  for (const group of settings.vrrp_sync_group) {
    for (const tracked of group.track_interface) host.interface(tracked.name, places.of(tracked), dynamic)
  }
  for (const line of settings.interface_up_down_delays) host.interface(line.interface, places.of(line), dynamic)
  const { global_defs: defs } = settings
  for (const named of [...(defs?.forward_interfaces ?? []), ...(defs?.xdp_interfaces ?? [])]) {
    host.interface(named.name, places.of(named), dynamic)
  }
  const [server] = settings.virtual_server
  if (server !== undefined) checkCore(places.of(server), report)
  checkPrograms(settings, places, report)
  checkOwnPorts(settings, places, host, report)
  checkFirewall(settings, places, report)
  checkReversePaths(settings, places, report)
  checkScripts(settings, places, host)
  checkFiles(settings, places, host, report)
  checkSecrets(settings, places, report)
}

/** Names rules of this network namespace that hold for no packet of a service, each at the first service that it would be about. */
function checkFirewall(settings: Settings, places: Places, report: Report): void {
  const watched = settings.virtual_server.flatMap((server) => {
    const { id, protocol = 'TCP', mark, through_firewall: throughFirewall } = server
    const ends = id.by === 'address' ? [{ protocol, to: id }] : id.by === 'fwmark' ? mark : []
    return ends.map(({ protocol: of, to }) => ({
      service: { by: 'address', vip: { address: to.address, port: to.port ?? 0 }, protocol: of } as const,
      throughFirewall,
      at: places.of(server),
    }))
  })
  const [first] = watched
  if (first === undefined) return
  const { ruleset, legacy } = readFirewall()
  const hint = 'use `allow` and `deny`, or `through_firewall`'
  const placeOf = new Map<object, Span>(watched.map(({ service, at }) => [service, at]))
  for (const each of passedBy(ruleset, watched)) {
    report('host-firewall', placeOf.get(each.services[0] ?? first.service) ?? first.at, passedByText(each), hint)
  }
  if (legacy.length === 0) return
  const message = `rules of legacy iptables (${legacy.join(', ')}) are not read; packets to virtual servers do not pass them`
  report('host-firewall', first.at, message, hint)
}

function checkInstance(instance: InstanceSettings, places: Places, host: HostCheck, dynamic: boolean): void {
  if (instance.interface !== undefined) host.interface(instance.interface, places.of(instance, 'interface'), dynamic)
  for (const line of [...instance.virtual_ipaddress, ...instance.virtual_ipaddress_excluded]) {
    if (line.dev !== undefined) host.interface(line.dev, places.of(line), dynamic)
  }
  for (const tracked of instance.track_interface) host.interface(tracked.name, places.of(tracked), dynamic)
  for (const keyword of ['unicast_src_ip', 'mcast_src_ip'] as const) {
    const address = instance[keyword]
    if (address !== undefined) host.address(address, places.of(instance, keyword))
  }
}

/** What the forwarding core needs. */
function checkCore(at: Span, report: Report): void {
  try {
    for (const lacking of lackingFeatures()) report('host-kernel', at, lacking)
  } catch (error) {
    if (!(error instanceof MissingLibraryError)) throw error
    report('host-program', at, error.message)
  }
}

/** What the kernel drops of the answers to checks that go the way of clients. */
function checkReversePaths(settings: Settings, places: Places, report: Report): void {
  const facts = sysctlFacts()
  const modes = ['all', 'lo'].map((name) => Number(facts[`net.ipv4.conf.${name}.rp_filter`] ?? 0))
  if (Math.max(...modes) !== STRICT) return
  const checks = settings.virtual_server.flatMap(({ real_server: reals }) => reals.flatMap(clientCheckers))
  const [first] = checks.filter((check) => check.through_service === true)
  if (first === undefined) return
  const message =
    'with `net.ipv4.conf.all.rp_filter` 1 the kernel drops answers from virtual addresses that are on the other director'
  report('host-firewall', places.of(first, 'through_service'), message, 'set it, and that of `lo`, to 2 or 0')
}

/** Of rp_filter. */
const STRICT = 1

/** What checkers start. */
function checkPrograms(settings: Settings, places: Places, report: Report): void {
  for (const real of settings.virtual_server.flatMap(({ real_server: servers }) => servers)) {
    const [check] = real.PING_CHECK
    const target = check?.connect_ip ?? real.id.address
    const lacking = check === undefined || target === undefined ? undefined : lackingPing(target)
    if (check !== undefined && lacking !== undefined) report('host-program', places.of(check), lacking)
  }
}

/** Real servers that are this host itself, with a port that the core cannot serve here. */
function checkOwnPorts(settings: Settings, places: Places, host: HostCheck, report: Report): void {
  for (const server of settings.virtual_server) {
    const { id, protocol = 'TCP', mark, through_firewall: throughFirewall, lvs_method: common } = server
    const ways = id.by === 'address' ? [{ protocol, to: id }] : id.by === 'fwmark' ? mark : []
    const marked = ways.map(({ protocol: of, to: { address, port } }) => {
      return { by: 'address', vip: { address, port: port ?? 0 }, protocol: of } as const
    })
    const service = { id: marked[0] ?? ANY_MARK, marked, throughFirewall }
    for (const real of server.real_server) {
      const { address, port = 0 } = real.id
      if (address === undefined) continue
      const { method } = real.lvs_method ?? common
      const forwarding = method === 'TUN' ? ({ method, tunnel: { type: 'ipip' } } as const) : { method }
      if (!host.has(address) || !isMuteHere(service, { endpoint: { address, port }, forwarding })) continue
      report('host-own-port', places.of(real), `real server ${address} ${port} ${MUTE_HERE}`, MUTE_HERE_HINT)
    }
  }
}

/** A service whose packets only the firewall's mark tells. */
const ANY_MARK = { by: 'fwmark', mark: 1, family: 'inet' } as const

/** Every keyword whose value is a script, wherever it stands. */
function checkScripts(settings: Settings, places: Places, host: HostCheck): void {
  const servers = settings.virtual_server
  const blocks: readonly object[] = [
    ...(settings.global_defs === undefined ? [] : [settings.global_defs]),
    ...settings.vrrp_instance,
    ...settings.vrrp_sync_group,
    ...settings.vrrp_script,
    ...servers,
    ...servers.flatMap(({ real_server: real }) => real),
    ...servers.flatMap(({ real_server: real }) => real.flatMap(({ MISC_CHECK: checks }) => checks)),
  ]
  for (const block of blocks) {
    const blockUser = 'user' in block && isUser(block.user) ? block.user.user : undefined
    if (blockUser !== undefined) host.user(blockUser, places.of(block, 'user'))
    for (const [keyword, value] of Object.entries(block)) {
      if (isScript(value)) host.script({ ...value, user: value.user ?? blockUser }, places.of(block, keyword))
    }
  }
  const scriptUser = settings.global_defs?.script_user
  if (settings.global_defs !== undefined && scriptUser !== undefined) {
    host.user(scriptUser.user, places.of(settings.global_defs, 'script_user'))
  }
}

const isScript = (value: unknown): value is Script =>
  typeof value === 'object' && value !== null && 'command' in value && Array.isArray(value.command)

const isUser = (value: unknown): value is { user: string } =>
  typeof value === 'object' && value !== null && 'user' in value && typeof value.user === 'string'

function checkFiles(settings: Settings, places: Places, host: HostCheck, report: Report): void {
  for (const block of settings.track_file) {
    if (block.file !== undefined && block.init_file === undefined) host.file(block.file, places.of(block, 'file'))
  }
  const { SSL: tls, global_defs: global } = settings
  if (tls !== undefined) {
    const { fault } = readTlsClient(tlsClientOf(settings).tlsClient)
    if (fault !== undefined) report('host-file', places.of(tls), fault)
  }
  if (global?.smtp_ca_file !== undefined) {
    const found = readCaFile(global.smtp_ca_file)
    if ('unusable' in found) report('host-file', places.of(global, 'smtp_ca_file'), found.unusable)
  }
  for (const key of settings.vrrp_instance.flatMap(({ auth_hmac: signed }) => signed?.key ?? [])) {
    const path = keyFile(key.value.reveal())
    if (path === undefined) continue
    const found = readKeyFile(path)
    if ('unusable' in found) report('host-file', places.of(key), found.unusable)
    else if (modeForAll(path) !== undefined) {
      report('host-secret', places.of(key), `everybody on this host can read the key in ${path}`, 'chmod 0600')
    }
  }
  for (const keyword of ['notify_fifo', 'vrrp_notify_fifo', 'lvs_notify_fifo'] as const) {
    const fifo = global?.[keyword]
    if (global !== undefined && fifo !== undefined) host.directory(dirname(fifo.path), places.of(global, keyword))
  }
}

/** Every password and key that stands in the text, where it stands. */
function secretsOf(settings: Settings, places: Places): Span[] {
  const { SSL: tls, global_defs: global } = settings
  const { smtp_login: login, webhook: webhooks = [] } = global ?? {}
  return [
    ...(login?.password === undefined ? [] : [places.of(login, 'password')]),
    ...webhooks.flatMap((webhook) => (webhook.url === undefined ? [] : [places.of(webhook, 'url')])),
    ...settings.vrrp_instance.flatMap(({ authentication }) =>
      authentication?.auth_pass === undefined ? [] : [places.of(authentication, 'auth_pass')],
    ),
    ...settings.vrrp_instance.flatMap(({ auth_hmac: signed }) => {
      const keys = signed?.key ?? []
      return keys.filter((key) => keyFile(key.value.reveal()) === undefined).map((key) => places.of(key))
    }),
    ...(tls?.password === undefined ? [] : [places.of(tls, 'password')]),
  ]
}

/** A file with passwords is nobody else's to read: told once of each file, with its mode. */
function checkSecrets(settings: Settings, places: Places, report: Report): void {
  const seen = new Set<string>()
  for (const at of secretsOf(settings, places)) {
    const { name } = at.source
    if (seen.has(name)) continue
    seen.add(name)
    const mode = modeForAll(name)
    if (mode === undefined) continue
    const shown = (mode & 0o7777).toString(8).padStart(4, '0')
    report(
      'host-secret',
      at,
      `everybody on this host can read this secret: the mode of \`${name}\` is ${shown}`,
      'chmod 0640',
    )
  }
}

/** The mode of a file that everybody can read and get to; undefined when somebody cannot, or there is no such file. */
function modeForAll(name: string): number | undefined {
  try {
    const path = realpathSync(name)
    const { mode } = statSync(path)
    if ((mode & constants.S_IROTH) === 0) return undefined
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      if ((statSync(folder).mode & constants.S_IXOTH) === 0) return undefined
      if (folder === '/') return mode
    }
  } catch {
    return undefined
  }
}

/** Names of the interfaces of this process's own network namespace; /sys may show those of another one. */
function interfacesHere(): ReadonlySet<string> {
  const rtnetlink = new Rtnetlink()
  try {
    return new Set(rtnetlink.links().map(({ name }) => name))
  } finally {
    rtnetlink.close()
  }
}

class HostCheck {
  readonly #report: Report
  readonly #defaultUser: string | undefined
  readonly #interfaces = interfacesHere()
  readonly #addresses = new Set(
    Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
  )
  readonly #users = new Map<string, boolean>()

  constructor(report: Report, defaultUser: string | undefined) {
    this.#report = report
    this.#defaultUser = defaultUser
  }

  interface(name: string, at: Span, dynamic: boolean): void {
    if (this.#interfaces.has(name)) return
    const names = [...this.#interfaces].toSorted().join(', ')
    if (dynamic) this.#report('host-missing', at, `there is no interface \`${name}\` here now`)
    else this.#report('host-interface', at, `there is no interface \`${name}\` here, only ${names}`)
  }

  has(address: string): boolean {
    return this.#addresses.has(address)
  }

  address(address: string, at: Span): void {
    if (!this.has(address)) this.#report('host-address', at, `no interface here has the address ${address}`)
  }

  user(name: string, at: Span): void {
    let known = this.#users.get(name)
    if (known === undefined) {
      // getent asks all the sources that the C library does, not only /etc/passwd.
      // Without it nothing can be said.
      const asked = spawnSync('getent', ['passwd', name], { stdio: 'ignore' })
      known = asked.error !== undefined || asked.status === 0
      this.#users.set(name, known)
    }
    if (!known) this.#report('host-user', at, `there is no user \`${name}\` here`)
  }

  file(path: string, at: Span): void {
    try {
      accessSync(path, constants.R_OK)
    } catch (error) {
      this.#report('host-file', at, `cannot read \`${path}\`: ${reasonOf(error)}`)
    }
  }

  directory(path: string, at: Span): void {
    if (!existsSync(path)) this.#report('host-file', at, `there is no directory \`${path}\``)
  }

  /** It is there, it can be executed, and nobody but root can change it or what leads to it. */
  script({ command, user }: Script, at: Span): void {
    const [name = ''] = command
    if (user !== undefined) this.user(user, at)
    const path = name.includes('/') ? name : findOnPath(name)
    if (path === undefined) {
      this.#report('host-script', at, `there is no program \`${name}\` in PATH`)
      return
    }
    if (!isAbsolute(path)) {
      this.#report('host-script', at, `\`${path}\` is no absolute path`)
      return
    }
    let real: string
    try {
      real = realpathSync(path)
      if (!statSync(real).isFile()) throw new Error('it is not a regular file')
      accessSync(real, constants.X_OK)
    } catch (error) {
      this.#report('host-script', at, `cannot run \`${path}\`: ${reasonOf(error)}`)
      return
    }
    const runsAs = user ?? this.#defaultUser ?? 'root'
    if (runsAs === 'root') this.#safePath(real, at)
  }

  #safePath(path: string, at: Span): void {
    for (let part = path; ; part = dirname(part)) {
      const why = weaknessOf(statSync(part), part === path ? 'file' : 'folder')
      if (why !== undefined) {
        this.#report('host-unsafe', at, `\`${path}\` runs as root, but others can change \`${part}\`: ${why}`)
      }
      if (part === '/') return
    }
  }
}
