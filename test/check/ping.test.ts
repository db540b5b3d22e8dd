import { expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import type { Check } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { ip } from '../vrrp/instances.ts'

const ping = (address: string): Check => ({
  type: 'PING_CHECK',
  target: { address: ip(address), port: 0 },
  delayLoop: millis(20),
  timeout: millis(400),
  retry: 0,
  delayBeforeRetry: millis(10),
  warmup: millis(0),
})

test('PING_CHECK: loopback answers, and an address that nobody has does not', async () => {
  await expect(probe(ping('127.0.0.1'))).resolves.toMatchObject({
    up: true,
    reason: expect.stringMatching(/echo reply after/),
  })
  await expect(probe(ping('240.0.0.1'))).resolves.toMatchObject({
    up: false,
    reason: expect.stringContaining('no echo reply'),
  })
})
