import { expect, test } from 'vitest'
import { isServerNamed, isServiceNamed } from '../../src/control/named.ts'

test.each([
  ['[10.0.0.1]:tcp:80', '[10.0.0.1]:tcp:80', true],
  ['[10.0.0.1]:tcp:80', '10.0.0.1:80', true],
  ['[10.0.0.1]:tcp:80', '10.0.0.1', true],
  ['[10.0.0.1]:tcp:80', '10.0.0.1:8', false],
  ['[2001:db8::1]:udp:53', '[2001:db8::1]:53', true],
  ['[2001:db8::1]:udp:53', '2001:db8::1', true],
  ['FWM 10', 'FWM 10', true],
  ['FWM 10', '', false],
  ['[web]:0', 'web', true],
  ['[web]:0 TCP', '[web]:0', true],
  ['[web]:0', 'we', false],
])('the virtual server %s is meant by %s: %s', (service, text, meant) => {
  expect(isServiceNamed(service, text)).toBe(meant)
})

test.each([
  ['[10.0.0.1]:80', '[10.0.0.1]:80', true],
  ['[10.0.0.1]:80', '10.0.0.1:80', true],
  ['[10.0.0.1]:80', '10.0.0.1', true],
  ['[10.0.0.1]:80', '10.0.0.1:443', false],
  ['[2001:db8::1]:80', '2001:db8::1', true],
  ['[2001:db8::1]:80', '[2001:db8::1]:80', true],
])('the real server %s is meant by %s: %s', (server, text, meant) => {
  expect(isServerNamed(server, text)).toBe(meant)
})
