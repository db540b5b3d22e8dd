import type { Check, UdpReply } from '../../model/check.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { RealServerSettings } from '../keywords/root.ts'

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
  'connect_ip' | 'connect_port' | 'delay_loop' | 'connect_timeout' | 'retry' | 'delay_before_retry' | 'warmup'
>

export function runningChecks(real: RealServerSettings, endpoint: Endpoint): Check[] {
  const schedule = (check: Connecting) => ({
    target: {
      address: check.connect_ip ?? endpoint.address,
      port: check.connect_port ?? real.id.port ?? endpoint.port,
    },
    delayLoop: check.delay_loop,
    timeout: check.connect_timeout,
    retry: check.retry,
    delayBeforeRetry: check.delay_before_retry,
    warmup: check.warmup,
  })
  return [
    ...real.PING_CHECK.map((check) => ({ ...schedule(check), type: 'PING_CHECK' as const })),
    ...real.TCP_CHECK.map((check) => ({ ...schedule(check), type: 'TCP_CHECK' as const })),
    ...real.UDP_CHECK.map((check) => ({
      ...schedule(check),
      type: 'UDP_CHECK' as const,
      payload: check.payload ?? '',
      reply: udpReplyOf(check),
    })),
    ...real.HTTP_GET.map((check) => ({
      ...schedule(check),
      type: 'HTTP_GET' as const,
      urls: check.url.map(({ path, digest, status_code: statusCodes, virtualhost }) => ({
        path,
        digest,
        statusCodes,
        virtualhost,
      })),
    })),
  ]
}
