import type { AddressInfo, Server } from 'node:net'
import { probe } from '../../src/check/probes/probe.ts'
import type { HttpCheck, HttpUrl } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { ip } from '../vrrp/instances.ts'

/** Of probes that nobody answers. */
export const SHORT_MS = 400
/** What a busy machine takes for a probe of loopback. */
const NOISE_MS = 2500
/** How much longer than its deadline a probe may take there. */
const LATE_MS = 1000

export async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const base = (port: number, url: Partial<HttpUrl>) => ({
  target: { address: ip('127.0.0.1'), port },
  delayLoop: millis(20),
  timeout: millis(20_000),
  retry: 0,
  delayBeforeRetry: millis(10),
  warmup: millis(0),
  protocol: '1.0' as const,
  urls: [{ path: '/', statusCodes: [[200, 299]] as const, virtualhost: undefined, ...url }],
})

export const httpGet = (port: number, url: Partial<HttpUrl> = {}): HttpCheck => ({
  ...base(port, url),
  type: 'HTTP_GET',
})

export const sslGet = (port: number, url: Partial<HttpUrl> = {}): HttpCheck => ({
  ...base(port, url),
  type: 'SSL_GET',
  tls: { verify: false, compliant: false },
})

/** What a probe says, and whether it took as long as it should: until its deadline, or well before. */
export async function found(check: HttpCheck): Promise<{ up: boolean | undefined; reason: string; took: string }> {
  const { up, reason, duration } = await probe(check)
  const [low, high] = reason.startsWith('no answer') ? [check.timeout - 5, check.timeout + LATE_MS] : [0, NOISE_MS]
  const isInTime = duration >= low && duration <= high
  return { up, reason, took: isInTime ? 'as long as it should' : `${duration} ms` }
}

export const verdict = (up: boolean | undefined, reason: string) => ({ up, reason, took: 'as long as it should' })
