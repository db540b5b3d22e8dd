import { describe, expect, test } from 'vitest'
import { collectDiagnostics } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { comparePair } from '../../src/config/pair.ts'
import { positionOf } from '../../src/config/source.ts'
import { surroundings } from '../support/surroundings.ts'

const base = {
  id: 'virtual_router_id 51',
  priority: 'priority 150',
  version: '',
  interval: 'advert_int 1',
  address: 'virtual_ipaddress { 10.0.0.100/24 }',
  auth: '',
  peers: '',
  more: '',
}

function file(name: string, changes: Partial<typeof base>) {
  const lines = Object.values({ ...base, ...changes }).join('\n')
  return loadConfig({ name, text: `vrrp_instance web {\ninterface eth0\n${lines}\n}` }, surroundings())
}

/** What is reported of a pair that differs in this. The first file has priority 150, the second 100 unless said. */
function compare(first: Partial<typeof base>, second: Partial<typeof base>): string[] {
  const { diagnostics, report } = collectDiagnostics()
  comparePair(file('a.conf', first), file('b.conf', { priority: 'priority 100', ...second }), report)
  for (const { at } of diagnostics) expect(at.source.name).toBe('b.conf')
  return diagnostics.map(({ code, at, message }) => `${positionOf(at.source, at.start).line} ${code}: ${message}`)
}

const password = (secret: string) => `authentication {\nauth_type PASS\nauth_pass ${secret}\n}`
const unicast = (source: string, peer: string) => `unicast_src_ip ${source}\nunicast_peer { ${peer} }`

describe('the two files of a pair', () => {
  test('that fit give no diagnostics', () => {
    expect(compare({}, {})).toEqual([])
    expect(compare({}, { priority: 'priority 149' })).toEqual([])
    const auth = password('secret')
    const both = { auth, version: 'version 2' }
    expect(
      compare({ ...both, peers: unicast('10.0.0.1', '10.0.0.2') }, { ...both, peers: unicast('10.0.0.2', '10.0.0.1') }),
    ).toEqual([])
  })

  test.each<[string, Partial<typeof base>, Partial<typeof base>, string]>([
    [
      'router id',
      {},
      { id: 'virtual_router_id 52' },
      '3 pair-differs: virtual_router_id of `web` is 52 here and 51 at a.conf:3',
    ],
    ['version', {}, { version: 'version 3' }, '5 pair-differs: version of `web` is 3 here and 2 at a.conf:1'],
    [
      'interval',
      {},
      { interval: 'advert_int 2' },
      '6 pair-differs: advert_int of `web` is 2 s here and 1 s at a.conf:6',
    ],
    [
      'addresses',
      {},
      { address: 'virtual_ipaddress { 10.0.0.101 }' },
      '7 pair-differs: virtual_ipaddress of `web` is 10.0.0.101 here',
    ],
    [
      'authentication',
      { auth: password('x') },
      {},
      '1 pair-differs: authentication of `web` is none here and PASS at a.conf:8',
    ],
    [
      'password',
      { auth: password('x') },
      { auth: password('y') },
      '10 pair-differs: auth_pass of `web` is not the one at a.conf:10',
    ],
    [
      'priority',
      {},
      { priority: 'priority 150' },
      '4 pair-priority: priority of `web` is 150 in both files (a.conf:4): the higher address',
    ],
    ['two owners', { priority: 'priority 255' }, { priority: 'priority 255' }, 'there would be two masters'],
    [
      'priorities too close among three directors',
      { peers: unicast('10.0.0.1', '10.0.0.2\n10.0.0.3') },
      { peers: unicast('10.0.0.2', '10.0.0.1\n10.0.0.3'), priority: 'priority 149' },
      '4 pair-priority: priorities 149 and 150 (a.conf:4) of `web` take over within 3.9 ms',
    ],
    ['unicast here', {}, { peers: unicast('10.0.0.2', '10.0.0.1') }, 'unicast in one file and multicast in the other'],
    [
      'a forgotten peer',
      { peers: unicast('10.0.0.1', '10.0.0.3') },
      { peers: unicast('10.0.0.2', '10.0.0.1') },
      '10.0.0.2, the source of `web` in b.conf:1, is no unicast_peer of a.conf:1',
    ],
    ['checksum', { more: 'v3_checksum_as_v2' }, {}, 'v3_checksum_as_v2 of `web` is false here and true'],
  ])('%s', (_name, first, second, message) => {
    expect(compare(first, second).join('\n')).toContain(message)
  })

  const key = (letter: string, id = 1) => `key ${id} ${letter.repeat(32)}`
  const hmac = (inside: string) => ({ more: `auth_hmac {\n${inside}\n}` })

  test.each([
    ['a step of bringing it in', {}, hmac(`${key('x')}\nmode receive-only`)],
    ['the next one', hmac(`${key('x')}\nmode receive-only`), hmac(`${key('x')}\nmode permissive`)],
    ['the last one', hmac(key('x')), hmac(`${key('x')}\nmode permissive`)],
    ['a key in a file', hmac(key('x')), hmac('key 1 file:/etc/key')],
    ['two keys', hmac(`${key('x')}\n${key('y', 2)}\nactive_key 2`), hmac(`${key('x')}\n${key('y', 2)}`)],
  ])('with auth_hmac fit: %s', (_name, first, second) => expect(compare(first, second)).toEqual([]))

  test.each([
    [
      'signed for nobody',
      {},
      hmac(key('x')),
      'the adverts of this director are signed, and the other one has no auth_hmac',
    ],
    [
      'signed by one',
      hmac(`${key('x')}\nmode receive-only`),
      hmac(key('x')),
      'the adverts of the other director are not signed, and this one enforces it',
    ],
    [
      'a key that is missing',
      hmac(key('x')),
      hmac(`${key('x')}\n${key('y', 2)}\nactive_key 2`),
      'signed with key 2, which the other one does not have',
    ],
    ['another key', hmac(key('x')), hmac(key('y')), 'signed with key 1, which is another one in the other one'],
  ])('with auth_hmac differ: %s', (_name, first, second, message) => {
    const [line] = compare(first, second)
    expect(line).toContain(message)
    expect(line).not.toMatch(/xxx|yyy/)
  })

  test('a value that is wrong in one of them is not reported as different, too', () => {
    expect(compare({}, { address: 'virtual_ipaddress { 10.0.0.300 }' })).toEqual([])
    expect(compare({}, { id: 'virtual_router_id 300' })).toEqual([])
    expect(compare({ auth: password('x') }, { auth: password('') })).toEqual([])
  })

  test('an instance that one of them lacks is reported', () => {
    const { diagnostics, report } = collectDiagnostics()
    const empty = loadConfig({ name: 'empty.conf', text: '' }, surroundings())
    comparePair(file('a.conf', {}), empty, report)
    comparePair(empty, file('b.conf', {}), report)
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'the other file has `web` (virtual_router_id 51); this one does not',
      'the other file has no instance with virtual_router_id 51',
    ])
  })
})
