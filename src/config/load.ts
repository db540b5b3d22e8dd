import { millis, seconds } from '../time.ts'
import { ipv4, port, word } from './arguments.ts'
import type { Diagnostic } from './diagnostic.ts'
import { type CheckDraft, finishUrl } from './keywords/checker.ts'
import { globalDefs, type GlobalDraft } from './keywords/global.ts'
import { type RealServerDraft, virtualServer, type VirtualServerDraft } from './keywords/virtual-server.ts'
import { type AddressDraft, type GroupDraft, type InstanceDraft, syncGroup, vrrpInstance } from './keywords/vrrp.ts'
import type { Check, Config, RealServer, VirtualServer, VrrpInstance } from './model.ts'
import { parse } from './parser.ts'
import { rules } from './rules.ts'
import { applyBody, block, type Body, collectDiagnostics } from './schema.ts'
import type { Source } from './source.ts'

/** What a text came to. `config` is undefined when there was an error; warnings leave it there. */
export interface Loaded {
  readonly config: Config | undefined
  readonly diagnostics: readonly Diagnostic[]
}

interface RootDraft {
  readonly global: GlobalDraft
  readonly instances: InstanceDraft[]
  readonly groups: GroupDraft[]
  readonly virtualServers: VirtualServerDraft[]
}

const root: Body<RootDraft> = {
  path: '/',
  keywords: [
    block({
      name: 'global_defs',
      help: 'Settings of the whole daemon.',
      args: [],
      body: globalDefs,
      open: (draft: RootDraft) => draft.global,
    }),
    block({
      name: 'vrrp_instance',
      help: 'A virtual router on an interface.',
      args: [word('<name>')],
      body: vrrpInstance,
      open: (draft: RootDraft, [name], at) => {
        const inner: InstanceDraft = {
          name,
          at,
          preempt: true,
          addresses: [],
          excludedAddresses: [],
          unicastPeers: [],
        }
        draft.instances.push(inner)
        return inner
      },
    }),
    block({
      name: 'vrrp_sync_group',
      help: 'Instances that change state together.',
      args: [word('<name>')],
      body: syncGroup,
      open: (draft: RootDraft, [name], at) => {
        const inner: GroupDraft = { name, at, members: [] }
        draft.groups.push(inner)
        return inner
      },
    }),
    block({
      name: 'virtual_server',
      help: 'A service on a virtual address.',
      args: [ipv4, port],
      body: virtualServer,
      open: (draft: RootDraft, [address, value], at) => {
        const inner: VirtualServerDraft = { vip: { address, port: value }, at, realServers: [] }
        draft.virtualServers.push(inner)
        return inner
      },
    }),
  ],
}

/** Reads a configuration: every mistake at once. Looks at nothing but the text. */
export function loadConfig(source: Source): Loaded {
  const { statements, diagnostics } = parse(source)
  const report = collectDiagnostics(diagnostics)
  const draft: RootDraft = { global: {}, instances: [], groups: [], virtualServers: [] }
  applyBody(root, draft, statements, report)
  const vrrpVersion = draft.global.vrrpVersion ?? 2
  for (const rule of rules) rule({ ...draft, vrrpVersion }, report)
  diagnostics.sort((a, b) => a.at.start - b.at.start)
  if (diagnostics.some(({ severity }) => severity === 'error')) return { config: undefined, diagnostics }
  return { config: finish(draft, vrrpVersion), diagnostics }
}

function finish(draft: RootDraft, version: 2 | 3): Config {
  return {
    routerId: draft.global.routerId,
    instances: draft.instances.map((instance) => finishInstance(instance, draft.global, version)),
    syncGroups: draft.groups.map(({ name, members }) => ({ name, instances: members.map(({ text }) => text) })),
    virtualServers: draft.virtualServers.map(finishVirtualServer),
  }
}

function finishInstance(draft: InstanceDraft, global: GlobalDraft, version: 2 | 3): VrrpInstance {
  const device = draft.interface ?? ''
  const address = (line: AddressDraft) => ({
    address: line.address,
    prefix: line.prefix,
    device: line.device ?? device,
  })
  return {
    name: draft.name,
    interface: device,
    vrid: draft.vrid ?? 0,
    version: draft.version ?? version,
    priority: draft.priority ?? (draft.state === 'MASTER' ? 255 : 100),
    advertInt: draft.advertInt?.value ?? seconds(1),
    preempt: draft.preempt,
    preemptDelay: draft.preemptDelay ?? millis(0),
    addresses: draft.addresses.map(address),
    excludedAddresses: draft.excludedAddresses.map(address),
    source: draft.source,
    unicastPeers: draft.unicastPeers,
    password: draft.authType === undefined ? undefined : draft.password,
    garp: {
      delay: draft.garpDelay ?? global.garpDelay ?? seconds(5),
      repeat: draft.garpRepeat ?? global.garpRepeat ?? 5,
    },
  }
}

function finishVirtualServer(draft: VirtualServerDraft): VirtualServer {
  return {
    vip: draft.vip,
    protocol: draft.protocol ?? 'TCP',
    scheduler: draft.scheduler ?? 'wlc',
    method: draft.method ?? 'NAT',
    quorum: draft.quorum?.value ?? 1,
    hysteresis: draft.hysteresis ?? 0,
    sorryServer: draft.sorryServer,
    realServers: draft.realServers.map((server) => finishRealServer(server, draft)),
  }
}

function finishRealServer(draft: RealServerDraft, parent: VirtualServerDraft): RealServer {
  return {
    endpoint: draft.endpoint,
    weight: draft.weight ?? 1,
    inhibitOnFailure: draft.inhibitOnFailure ?? parent.inhibitOnFailure ?? false,
    checks: draft.checks.map((check) => finishCheck(check, draft, parent)),
  }
}

/** A checker's own setting counts before its real server's, and that before its virtual server's. */
function finishCheck(check: CheckDraft, server: RealServerDraft, parent: VirtualServerDraft): Check {
  const delayLoop = check.delayLoop ?? server.delayLoop ?? parent.delayLoop ?? seconds(60)
  const defaultDelay = seconds(check.type === 'HTTP_GET' ? 3 : 1)
  const schedule = {
    target: {
      address: check.connectIp ?? server.endpoint.address,
      port: check.connectPort ?? server.endpoint.port,
    },
    delayLoop,
    timeout: check.timeout ?? server.timeout ?? parent.timeout ?? seconds(5),
    retry: check.retry ?? server.retry ?? parent.retry ?? 1,
    delayBeforeRetry: check.delayBeforeRetry ?? server.delayBeforeRetry ?? parent.delayBeforeRetry ?? defaultDelay,
    warmup: check.warmup ?? server.warmup ?? parent.warmup ?? delayLoop,
  }
  switch (check.type) {
    case 'PING_CHECK':
    case 'TCP_CHECK':
      return { ...schedule, type: check.type }
    case 'UDP_CHECK':
      return {
        ...schedule,
        type: check.type,
        payload: check.payload ?? '',
        requireReply: check.requireReply ?? false,
      }
    case 'HTTP_GET': {
      const inherited = check.virtualhost ?? parent.virtualhost
      return { ...schedule, type: check.type, urls: check.urls.map((url) => finishUrl(url, inherited)) }
    }
  }
}
