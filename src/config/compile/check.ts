import type { Check, CheckSchedule, CheckSource, UdpReply } from '../../model/check.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { ForwardingMethod } from '../../model/service.ts'
import { type Address, isIpv4 } from '../../net/address.ts'
import type { RealServerSettings } from '../keywords/root.ts'
import { dnsCheck } from './checks/dns.ts'
import { countingOf } from './checks/counting.ts'
import { tcpCheck } from './checks/tcp.ts'
import { smtpCheck, smtpChecks } from './checks/smtp.ts'
import { httpGet, sslGet } from './checks/http.ts'

/** Longest reply of a pattern when the file does not say it (keepalived's figure). */
const LONGEST_REPLY = 255

/** keepalived looks at the length only where there is a pattern; what the file says is done here without one, too. */
function udpReplyOf({
  require_reply: required,
  min_reply_length: minLength = 0,
  max_reply_length: maxLength,
}: RealServerSettings['UDP_CHECK'][number]): UdpReply | undefined {
  if (required === undefined) return undefined
  const pattern = required.bytes
  return { pattern, minLength, maxLength: maxLength ?? (pattern === undefined ? 65_535 : LONGEST_REPLY) }
}

/** What every checker has that connects. */
type Connecting = Pick<
  RealServerSettings['TCP_CHECK'][number],
  | 'bindto'
  | 'bind_port'
  | 'bind_if'
  | 'fwmark'
  | 'connect_ip'
  | 'connect_port'
  | 'delay_loop'
  | 'connect_timeout'
  | 'retry'
  | 'delay_before_retry'
  | 'warmup'
  | 'alpha'
  | 'log_all_failures'
  | 'rise'
  | 'fall'
  | 'fast_interval'
> & { readonly through_service?: boolean | undefined }

/** An address of the other family and the mark 0 say nothing. */
function sourceOf(check: Connecting, to: Address): Pick<CheckSchedule, 'source'> {
  const { bindto, bind_port: port, bind_if: name, fwmark } = check
  const source: CheckSource = {
    ...(bindto === undefined || isIpv4(bindto) !== isIpv4(to) ? {} : { address: bindto }),
    ...(port === undefined ? {} : { port }),
    ...(name === undefined ? {} : { interface: name }),
    ...(fwmark === undefined || fwmark === 0 ? {} : { mark: fwmark }),
  }
  return Object.keys(source).length === 0 ? {} : { source }
}

/** The rules have seen to it that there is a virtual address where one is needed. A service of all ports is asked at the server's. */
function wayOf(
  check: Connecting,
  usual: Endpoint,
  { virtual, method }: WayOfClients,
): Pick<CheckSchedule, 'target' | 'source' | 'through'> {
  const { through_service: through = false, connect_ip: ip, connect_port: port } = check
  const address = ip ?? (through ? virtual?.address : undefined) ?? usual.address
  const usualPort = (through && virtual?.port) || usual.port
  return {
    target: { address, port: port ?? usualPort },
    ...sourceOf(check, address),
    ...(through ? { through: { server: usual.address, method } } : {}),
  }
}

/** Where clients find a server, which is undefined when that is by marks alone, and how they are sent to it. */
export interface WayOfClients {
  readonly virtual: Endpoint | undefined
  readonly method: ForwardingMethod
}

export function runningChecks(real: RealServerSettings, endpoint: Endpoint, clients: WayOfClients): Check[] {
  const usual: Endpoint = { address: endpoint.address, port: real.id.port ?? endpoint.port }
  const schedule = (check: Connecting) => ({
    ...wayOf(check, usual, clients),
    delayLoop: check.delay_loop,
    timeout: check.connect_timeout,
    retry: check.retry,
    delayBeforeRetry: check.delay_before_retry,
    warmup: check.warmup,
    ...countingOf(check),
  })
  return [
    ...real.PING_CHECK.map((check) => ({ ...schedule(check), type: 'PING_CHECK' as const })),
    ...real.TCP_CHECK.map((check) => tcpCheck(check, schedule(check))),
    ...real.UDP_CHECK.map((check) => ({
      ...schedule(check),
      type: 'UDP_CHECK' as const,
      payload: check.payload ?? '',
      reply: udpReplyOf(check),
    })),
    ...real.DNS_CHECK.map((check) => dnsCheck(check, schedule(check))),
    ...real.SMTP_CHECK.flatMap(smtpChecks).map((check) => smtpCheck(check, schedule(check))),
    ...real.HTTP_GET.map((check) => httpGet(check, schedule(check))),
    ...real.SSL_GET.map((check) => sslGet(check, schedule(check))),
    ...real.AGENT_CHECK.map((check) => ({
      ...schedule(check),
      type: 'AGENT_CHECK' as const,
      send: check.agent_send ?? '',
    })),
  ]
}
