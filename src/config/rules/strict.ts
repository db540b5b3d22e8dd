import { isStrict } from '../effective.ts'
import { removeStatement } from '../fix.ts'
import type { InstanceSettings, VirtualServerSettings } from '../keywords/root.ts'
import { markFamilyOf } from '../mark-family.ts'
import type { Rule } from './rule.ts'
import { familyName, ofEach } from './vrrp.ts'

/** keepalived goes on without what strict mode does not have, but for an instance without addresses. */
const strictModeIsObeyed = ofEach((instance, places, report, { global_defs: global }) => {
  if (!isStrict(instance, global)) return
  if (instance.virtual_ipaddress.length === 0) {
    report('strict-mode', places.of(instance), 'strict mode needs a virtual_ipaddress')
  }
  if (instance.version === '2' && familyName(instance) === 'IPv6') {
    report('strict-mode', places.of(instance, 'version'), 'strict mode has IPv6 in version 3 only')
  }
  if (instance.unicast_peer.length > 0) {
    report(
      'ignored-value',
      places.of(instance, 'unicast_peer'),
      'strict mode has no unicast; adverts are unicast all the same',
    )
  }
  if (instance.state === 'MASTER' && instance.priority !== 255) {
    const message = 'in strict mode only the owner of the addresses (priority 255) begins as MASTER'
    report('ignored-value', places.of(instance, 'state'), message, 'use `state BACKUP`')
  }
})

/** What strict mode has its own answer to, so that another one says nothing. */
const ANSWERED: readonly {
  readonly keyword: keyof InstanceSettings
  readonly isOther: (instance: InstanceSettings) => boolean
  readonly answer: string
}[] = [
  {
    keyword: 'down_timer_adverts',
    isOther: ({ down_timer_adverts: count = 3 }) => count !== 3,
    answer: 'strict mode takes over after 3 adverts',
  },
  {
    keyword: 'lower_prio_no_advert',
    isOther: ({ lower_prio_no_advert: said }) => said === false,
    answer: 'strict mode does not answer adverts of lower priority',
  },
  {
    keyword: 'higher_prio_send_advert',
    isOther: ({ higher_prio_send_advert: said }) => said === true,
    answer: 'strict mode sends no advert before yielding',
  },
  {
    keyword: 'owner_ignore_adverts',
    isOther: ({ owner_ignore_adverts: said, priority }) => said === false && priority === 255,
    answer: 'in strict mode the owner of the addresses ignores adverts',
  },
  {
    keyword: 'use_vmac',
    isOther: ({ use_vmac: own }) => own?.mac !== undefined,
    answer: 'in strict mode the MAC address is that of the virtual router (RFC 9568 §7.3)',
  },
  {
    keyword: 'vmac_xmit_base',
    isOther: ({ vmac_xmit_base: said }) => said,
    answer: 'in strict mode adverts have the MAC address of the virtual router (RFC 9568 §7.3)',
  },
]

const strictModeHasItsOwnAnswers = ofEach((instance, places, report, { global_defs: global }) => {
  if (!isStrict(instance, global)) return
  for (const { keyword, isOther, answer } of ANSWERED) {
    if (!isOther(instance)) continue
    const at = places.of(instance, keyword)
    if (keyword === 'use_vmac') report('ignored-value', at, answer, 'leave the address out')
    else report('ignored-value', at, answer, 'leave it out', removeStatement(at))
  }
})

const ACCEPTS =
  'keepalived drops all packets to the addresses in strict mode; Tanist accepts them, so that ping and local services work'

/**
 * In keepalived strict mode means `no_accept`, which surprises people more than anything else of it: here it has to be written
 * (docs/decisions/113-strict-mode-drops-nothing.md).
 */
const strictModeAccepts: Rule = (settings, places, report) => {
  const { global_defs: global, vrrp_instance: instances } = settings
  const accepting = instances.filter(
    (instance) =>
      isStrict(instance, global) && instance.priority !== 255 && places.said(instance, 'no_accept') === undefined,
  )
  const hint = 'write `no_accept` or `accept` in the vrrp_instance'
  if (global?.vrrp_strict && accepting.some(({ strict_mode: own }) => own === undefined)) {
    report('strict-accepts', places.of(global, 'vrrp_strict'), ACCEPTS, hint)
  }
  for (const instance of accepting.filter(({ strict_mode: own }) => own !== undefined)) {
    report('strict-accepts', places.of(instance, 'strict_mode'), ACCEPTS, hint)
  }
}

/** Packets come in by it, unless the core is told to see others only. */
const closedAddressesAreWhereTheCoreIs = ofEach((instance, places, report, { global_defs: global }) => {
  const only = global?.forward_interfaces ?? []
  const { interface: device } = instance
  if (!instance.no_accept || instance.priority === 255 || device === undefined || only.length === 0) return
  if (only.some(({ name }) => name === device)) return
  const message = `\`no_accept\` has no effect on ${device}, which is not among the forward_interfaces`
  report('ignored-value', places.of(instance, 'no_accept'), message, `add ${device} to forward_interfaces`)
})

/** Of a service by mark; undefined for other services. */
function familyOfMark(server: VirtualServerSettings): 'IPv4' | 'IPv6' | undefined {
  if (server.id.by !== 'fwmark') return undefined
  return markFamilyOf(server) === 'inet6' ? 'IPv6' : 'IPv4'
}

/** The firewall marks a packet after the core has seen it, so the core cannot know that it is nobody's. */
const closedAddressesHaveNoMarks = ofEach((instance, places, report, { virtual_server: servers }) => {
  if (!instance.no_accept || instance.priority === 255) return
  if (!servers.some((server) => server.mark.length === 0 && familyOfMark(server) === familyName(instance))) return
  const message = `\`no_accept\` has no effect beside a virtual_server by fwmark: any ${familyName(instance)} packet may get the mark yet`
  report(
    'ignored-value',
    places.of(instance, 'no_accept'),
    message,
    'let the firewall that marks packets drop the others',
  )
})

export const strictRules: readonly Rule[] = [
  strictModeIsObeyed,
  strictModeHasItsOwnAnswers,
  strictModeAccepts,
  closedAddressesAreWhereTheCoreIs,
  closedAddressesHaveNoMarks,
]
