import { choice, integer, ipv4, optional, port, word } from '../arguments.ts'
import type { Endpoint, ForwardingMethod, Protocol, Scheduler } from '../model.ts'
import { block, type Body, type Keyword, keyword } from '../schema.ts'
import type { Span } from '../source.ts'
import { type CheckDraft, checkers, schedule, type ScheduleDraft } from './checker.ts'

/** What a `real_server` block says. */
export interface RealServerDraft extends ScheduleDraft {
  readonly endpoint: Endpoint
  readonly at: Span
  weight?: number
  inhibitOnFailure?: boolean
  readonly checks: CheckDraft[]
}

/** What a `virtual_server` block says. */
export interface VirtualServerDraft extends ScheduleDraft {
  readonly vip: Endpoint
  readonly at: Span
  protocol?: Protocol
  scheduler?: Scheduler
  method?: ForwardingMethod
  quorum?: { readonly value: number; readonly at: Span }
  hysteresis?: number
  inhibitOnFailure?: boolean
  sorryServer?: Endpoint
  readonly realServers: RealServerDraft[]
}

const inhibitOnFailure = <Draft extends { inhibitOnFailure?: boolean }>(): Keyword<Draft> =>
  keyword({
    name: 'inhibit_on_failure',
    help: 'Set a failed server to weight 0 instead of removing it; its connections live on.',
    args: [],
    set: (draft) => (draft.inhibitOnFailure = true),
  })

const realServer: Body<RealServerDraft> = {
  path: '/virtual_server/real_server',
  keywords: [
    keyword({
      name: 'weight',
      help: 'Share of new connections; 0: none. Default 1.',
      args: [integer(0, 65535)],
      set: (draft, [weight]) => (draft.weight = weight),
    }),
    inhibitOnFailure(),
    ...schedule<RealServerDraft>(),
    ...checkers<RealServerDraft>(),
  ],
}

const scheduler = (name: string): Keyword<VirtualServerDraft> =>
  keyword({
    name,
    help: 'Scheduler. Default wlc.',
    args: [choice('rr', 'wrr', 'wlc')],
    set: (draft, [value]) => (draft.scheduler = value),
  })

const method = (name: string): Keyword<VirtualServerDraft> =>
  keyword({
    name,
    help: 'Forwarding method. Default NAT.',
    args: [choice('NAT', 'DR')],
    set: (draft, [value]) => (draft.method = value),
  })

export const virtualServer: Body<VirtualServerDraft> = {
  path: '/virtual_server',
  keywords: [
    scheduler('lvs_sched'),
    scheduler('lb_algo'),
    method('lvs_method'),
    method('lb_kind'),
    keyword({
      name: 'protocol',
      help: 'TCP or UDP. Needed.',
      args: [choice('TCP', 'UDP')],
      set: (draft, [protocol]) => (draft.protocol = protocol),
    }),
    keyword({
      name: 'quorum',
      help: 'Sum of the weights of working servers below which the service is down. Default 1.',
      args: [integer(1, 1_000_000)],
      set: (draft, [value], at) => (draft.quorum = { value, at }),
    }),
    keyword({
      name: 'hysteresis',
      help: 'Quorum is lost below quorum - hysteresis and gained at quorum + hysteresis. Default 0.',
      args: [integer(0, 1_000_000)],
      set: (draft, [value]) => (draft.hysteresis = value),
    }),
    keyword({
      name: 'virtualhost',
      help: 'Host header of the HTTP checks.',
      args: [word('<host>')],
      set: (draft, [host]) => (draft.virtualhost = host),
    }),
    keyword({
      name: 'sorry_server',
      help: 'Serves while quorum is lost.',
      args: [ipv4, optional(port)],
      set: (draft, [address, value]) => (draft.sorryServer = { address, port: value ?? draft.vip.port }),
    }),
    inhibitOnFailure(),
    ...schedule<VirtualServerDraft>(),
    block({
      name: 'real_server',
      help: 'A server of the pool.',
      args: [ipv4, optional(port)],
      body: realServer,
      open: (draft: VirtualServerDraft, [address, value], at) => {
        const inner: RealServerDraft = { endpoint: { address, port: value ?? draft.vip.port }, at, checks: [] }
        draft.realServers.push(inner)
        return inner
      },
    }),
  ],
}
