import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** Statements of the RFCs that no test of the two files beside shows: who does, or why none does. */
const ELSEWHERE: Readonly<Record<number, { readonly what: string; readonly why: string; readonly shownBy?: string }>> =
  {
    2: { what: 'TTL 255 on send', why: 'the socket sets it', shownBy: 'test/interop/keepalived.test.ts' },
    3: {
      what: 'IPv6 adverts go to ff02::12 with hop limit 255',
      why: 'the socket sets it',
      shownBy: 'test/interop/transport.test.ts',
    },
    5: {
      what: 'the source MAC is the virtual one',
      why: 'an option (use_vmac), as in keepalived; the kernel sends with it',
      shownBy: 'test/netns/virtual-mac.test.ts',
    },
    8: { what: 'IPv6 checksum with pseudo-header', why: 'bytes', shownBy: 'test/vrrp/packet.test.ts' },
    13: { what: 'the first IPv6 address is link-local', why: 'a warning', shownBy: 'test/config/rules.test.ts' },
    15: { what: 'priority 255 if and only if the host owns the addresses', why: 'a file cannot say what the host has' },
    20: { what: 'own adverts are not looped back', why: 'an option of the socket', shownBy: 'test/netns/wire.test.ts' },
    30: {
      what: 'refusals are logged, at a limited rate',
      why: 'what is refused is shown here (21 to 36), the log is the process’s',
      shownBy: 'test/netns/wire.test.ts',
    },
    42: { what: 'a backup answers no neighbour solicitation', why: 'it has no address (41)' },
    44: {
      what: 'a backup discards frames to the virtual MAC',
      why: 'the kernel does, while there is no such interface (use_vmac)',
    },
    51: { what: 'an active answers ARP with the virtual MAC', why: 'the kernel does (use_vmac)' },
    52: {
      what: 'an active answers neighbour solicitations with the R flag',
      why: 'the kernel does',
      shownBy: 'test/net/neighbour-advertisement.test.ts',
    },
    53: {
      what: 'an active sends router advertisements',
      why: 'out of scope: a director is no first-hop router of hosts',
    },
    54: { what: 'an active forwards frames to the virtual MAC', why: 'the kernel and the core do (use_vmac)' },
    55: { what: 'Accept_Mode', why: 'a firewall rule (no_accept); accepted by default, as in keepalived' },
    62: { what: 'two owners are logged', why: 'the log is the process’s; who stays is 27' },
    63: {
      what: 'the same priority on several routers may be warned of',
      why: 'seen in the files of a pair',
      shownBy: 'test/config/pair.test.ts',
    },
    66: {
      what: 'IPv4 and IPv6 routers of one VRID are independent',
      why: 'a key',
      shownBy: 'test/vrrp/router.test.ts',
    },
    67: {
      what: 'a slower interval at a higher priority',
      why: 'seen in the files of a pair',
      shownBy: 'test/config/pair.test.ts',
    },
    68: { what: 'an active of both versions sends both', why: 'not offered: an instance has one version' },
    69: { what: 'a backup of both versions', why: 'not offered' },
    70: { what: 'a backup of both versions ignores version 2 beside 3', why: 'not offered' },
    71: {
      what: 'adverts are never forwarded',
      why: 'the core takes nothing that is not to its services',
      shownBy: 'test/bpf/program.test.ts',
    },
    73: {
      what: 'the same as 72 for neighbour advertisements',
      why: 'the order of effects (72) is that of both families',
    },
    74: { what: 'no ARP with the physical MAC for owned addresses', why: 'the kernel answers (use_vmac)' },
    75: { what: 'proxy ARP and redirects', why: 'out of scope: a director is no first-hop router of hosts' },
    76: {
      what: 'what is to a virtual address is not forwarded to another active',
      why: 'the core balances it, or the host takes it',
      shownBy: 'test/bpf/program.test.ts',
    },
    77: { what: 'priorities far enough apart', why: 'advice for people' },
    78: {
      what: 'the virtual MAC makes no interface identifier',
      why: 'an option of the link (use_vmac)',
    },
  }

const LAST = 78

test('every statement is shown by a test, or it is said by whom or why not', () => {
  const shown = ['rfc3768', 'rfc9568'].flatMap((name) => {
    const text = readFileSync(join(import.meta.dirname, `${name}.test.ts`), 'utf8')
    // The numbers that a test's name begins with: `test('39, 40 …`, `test.each([…])('48: …`.
    return [...text.matchAll(/(?:test(?:\.fails)?|\])\)?\(\s*['`]((?:\d+(?:, )?)+)[ :]/g)].flatMap(([, numbers = '']) =>
      numbers.split(', ').map(Number),
    )
  })
  const all = Array.from({ length: LAST }, (_, i) => i + 1)
  const nowhere = all.filter((each) => !shown.includes(each) && ELSEWHERE[each] === undefined)
  const twice = all.filter((each) => shown.includes(each) && ELSEWHERE[each] !== undefined)
  expect({ nowhere, twice }).toEqual({ nowhere: [], twice: [] })
})

test('who is said to show one is there', () => {
  const missing = Object.values(ELSEWHERE).filter(
    ({ shownBy }) => shownBy !== undefined && !existsSync(join(import.meta.dirname, '../..', shownBy)),
  )
  expect(missing).toEqual([])
})
