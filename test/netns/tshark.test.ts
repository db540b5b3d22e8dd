import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { type Dissected, dissect, Recording } from '../support/tshark.ts'

/** The checksums of version 3 over IPv4 that tshark takes for right, by its preference. It does not know which one a sender has chosen. */
const PREFERENCE = {
  'pseudo-header': 'vrrp.v3_checksum_as_in_v2:FALSE',
  plain: 'vrrp.v3_checksum_as_in_v2:TRUE',
} as const
type Form = keyof typeof PREFERENCE
const FORMS = ['pseudo-header', 'plain'] as const

const BAD_CHECKSUM = 'Bad checksum [should be …]'
/** tshark expects a TTL of 255 of packets to 224.0.0.18, and of 1 to other groups of 224.0.0.0/24, whatever their protocol is. */
const OTHER_GROUP = '"Time To Live" != 1 for a packet sent to the Local Network Control Block (see RFC 3171)'

interface Variant {
  readonly name: string
  readonly version: 2 | 3
  readonly family: 4 | 6
  /** How many addresses; 1 unless it says so. */
  readonly count?: number
  readonly priority?: number
  readonly intervalS?: number
  readonly settings?: string
  /** Adverts go to the peer alone. */
  readonly unicast?: true
  /** The MAC address is that of the virtual router. */
  readonly virtualMac?: true
  readonly group?: string
  readonly password?: string
  readonly authType?: '1' | '2'
  /** With which preferences tshark takes its checksum for right; with both unless it says so. */
  readonly right?: readonly Form[]
}

const four = (name: string, more: Partial<Variant> = {}): Variant => {
  return { name: `version 3, ${name}`, version: 3, family: 4, right: ['pseudo-header'], ...more }
}
const six = (name: string, more: Partial<Variant> = {}): Variant => {
  return { name: `version 3 over IPv6, ${name}`, version: 3, family: 6, ...more }
}
const two = (name: string, more: Partial<Variant> = {}): Variant => {
  return { name: `version 2, ${name}`, version: 2, family: 4, ...more }
}
const authentication = (type: string) => `authentication {\n auth_type ${type}\n auth_pass secret99\n}`
const PASS = { settings: authentication('PASS'), authType: '1', password: 'secret99' } as const
const AH = { settings: authentication('AH'), authType: '2' } as const
const HMAC = 'auth_hmac {\n key 1 0123456789abcdef0123456789abcdef\n}'
/** The checksum covers the message, and tshark takes the signature behind it for a part of that. */
const SIGNED = { settings: HMAC, right: [] } as const
const VMAC = { settings: 'use_vmac', virtualMac: true } as const

const VARIANTS: readonly Variant[] = [
  two('1 address'),
  // As long as a message of CARP, which has the same protocol number.
  two('5 addresses', { count: 5 }),
  two('20 addresses', { count: 20 }),
  two('255 addresses', { count: 255 }),
  two('PASS', PASS),
  two('AH', AH),
  two('AH, from a virtual MAC', { ...AH, ...VMAC, settings: `${AH.settings}\nuse_vmac` }),
  two('unicast', { unicast: true }),
  two('unicast, AH', { ...AH, unicast: true }),
  four('1 address'),
  four('20 addresses', { count: 20 }),
  four('255 addresses', { count: 255 }),
  four('priority 1', { priority: 1 }),
  four('priority 255', { priority: 255 }),
  four('the longest interval', { priority: 255, intervalS: 40.95 }),
  four('a short interval', { intervalS: 0.35 }),
  four('without pseudo-header', { settings: 'v3_checksum_as_v2', right: ['plain'] }),
  four('signed', SIGNED),
  four('signed, without pseudo-header', { ...SIGNED, settings: `${HMAC}\nv3_checksum_as_v2` }),
  four('from a virtual MAC', VMAC),
  four('with a virtual MAC, from another', { settings: 'use_vmac\nvmac_xmit_base' }),
  four('to another group', { settings: 'mcast_dst_ip 224.0.0.77', group: '224.0.0.77' }),
  four('unicast', { unicast: true }),
  four('unicast, without pseudo-header', { unicast: true, settings: 'v3_checksum_as_v2', right: ['plain'] }),
  // Its pseudo-header has 224.0.0.18, and the packet another destination.
  four('unicast, as keepalived before 1.3.7', { unicast: true, settings: 'old_unicast_checksum', right: [] }),
  four('unicast, signed', { ...SIGNED, unicast: true }),
  six('1 address'),
  six('20 addresses', { count: 20 }),
  six('255 addresses, in fragments', { count: 255 }),
  six('signed', { settings: HMAC }),
  six('from a virtual MAC', { ...VMAC, count: 2 }),
  six('255 addresses, in fragments from a virtual MAC', { ...VMAC, count: 255 }),
  six('with a virtual MAC, from another', { settings: 'use_vmac\nvmac_xmit_base', count: 2 }),
  six('unicast', { unicast: true }),
  six('unicast, signed', { unicast: true, settings: HMAC }),
]

const vridOf = (variant: Variant) => VARIANTS.indexOf(variant) + 1
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')

/** RFC 9568 §7.3. */
const virtualMacOf = (variant: Variant) => `00:00:5e:00:0${variant.family === 4 ? 1 : 2}:${hex(vridOf(variant), 2)}`

function addressesOf(variant: Variant): readonly string[] {
  const { family, count = 1 } = variant
  const vrid = vridOf(variant)
  const all = Array.from({ length: count }, (_, i) => i + 1)
  if (family === 4) return all.map((i) => `10.${vrid}.1.${i}`)
  // The first one is a link-local one (RFC 9568 §5.2.9).
  return [`fe80::${hex(vrid, 1)}`, ...all.slice(1).map((i) => `fd00:${hex(vrid, 1)}::${hex(i, 1)}`)]
}

function config(own: 1 | 2): string {
  const peer = own === 1 ? 2 : 1
  const instances = VARIANTS.map((variant) => {
    const { version, family, priority = 100, intervalS = 1, settings = '', unicast } = variant
    const address = (host: number) => (family === 4 ? `10.0.0.${host}` : `fd00::${host}`)
    return `vrrp_instance i${vridOf(variant)} {
  interface eth0
  virtual_router_id ${vridOf(variant)}
  version ${version}
  priority ${own === 1 ? priority : 1}
  advert_int ${intervalS}
  ${settings}
  ${unicast === true ? `unicast_src_ip ${address(own)}\n  unicast_peer {\n    ${address(peer)}\n  }` : ''}
  virtual_ipaddress {
    ${addressesOf(variant)
      .map((each) => `${each}/${family === 4 ? 32 : 128}`)
      .join('\n    ')}
  }
}
`
  })
  return instances.join('')
}

const FIELDS = [
  ...(['frame.protocols', 'eth.src', 'eth.dst', 'ip.src', 'ip.dst', 'ip.ttl', 'ip.dsfield'] as const),
  ...(['ip.checksum.status', 'ipv6.src', 'ipv6.dst', 'ipv6.hlim', 'ipv6.tclass'] as const),
  ...(['vrrp.version', 'vrrp.type', 'vrrp.virt_rtr_id', 'vrrp.prio', 'vrrp.addr_count', 'vrrp.adver_int'] as const),
  ...(['vrrp.reserved_mbz', 'vrrp.short_adver_int', 'vrrp.auth_type', 'vrrp.auth_string'] as const),
  ...(['vrrp.ip_addr', 'vrrp.ipv6_addr', 'vrrp.checksum.status'] as const),
  ...(['ah.next_header', 'ah.length', 'ah.reserved', 'ah.spi'] as const),
  ...(['arp.opcode', 'arp.isgratuitous', 'arp.src.hw_mac', 'arp.src.proto_ipv4'] as const),
  ...(['arp.dst.hw_mac', 'arp.dst.proto_ipv4'] as const),
  ...(['icmpv6.type', 'icmpv6.checksum.status', 'icmpv6.nd.na.target_address', 'icmpv6.opt.linkaddr'] as const),
  ...(['icmpv6.nd.na.flag.r', 'icmpv6.nd.na.flag.s', 'icmpv6.nd.na.flag.o'] as const),
]
type Frame = Dissected<(typeof FIELDS)[number]>
/** How tshark says that a checksum is right. */
const GOOD = '1'

const lab = new Lab()
const own = { mac: '', linkLocal: '' }
const peer = { mac: '' }
/** What the master has sent until it had stopped. */
const read = new Map<Form, readonly Frame[]>()
const framesOf = (form: Form) => read.get(form) ?? []

beforeAll(async () => {
  lab.addSwitch('lan')
  for (const [i, host] of ['master', 'backup'].entries()) {
    lab.addHost(host, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
    lab.ip(host, [`addr add fd00::${i + 1}/64 dev eth0 nodad`])
  }
  own.mac = macOf('master')
  own.linkLocal = await until('a link-local address', linkLocal)
  peer.mac = macOf('backup')
  const recording = await Recording.start(lab, 'lan')
  const master = new DirectorHost(lab, 'master', config(1))
  const backup = new DirectorHost(lab, 'backup', config(2))
  await master.start()
  await master.untilState('master')
  await backup.start()
  await untilAllHeard(backup)
  // In this order nobody succeeds the master.
  await backup.stop()
  await master.stop()
  await recording.stop()
  for (const form of FORMS) {
    const frames = dissect(recording.file, FIELDS, ['ip.check_checksum:TRUE', PREFERENCE[form]])
    read.set(
      form,
      frames.filter(({ fields }) => fields['eth.src'][0] !== peer.mac),
    )
  }
})
afterAll(() => lab.destroy())

const macOf = (host: string) => /link\/ether (\S+)/.exec(lab.run(host, ['ip', 'link', 'show', 'eth0']))?.[1] ?? ''
const linkLocal = () =>
  /inet6 (fe80::\S+)\/64 scope link (?!tentative)/.exec(lab.run('master', ['ip', 'address', 'show', 'eth0']))?.[1]

/** Each of its instances has heard adverts, but for the one whose next advert nobody waits for, and has refused none. */
async function untilAllHeard(backup: DirectorHost): Promise<void> {
  const instances = async () => (await backup.status()).instances
  const waitedFor = VARIANTS.filter(({ intervalS = 1 }) => intervalS <= 1).map((each) => `i${vridOf(each)}`)
  let unheard = waitedFor
  const heardAll = async () => {
    const heard = (await instances()).filter(({ advertsReceived }) => advertsReceived > 1).map(({ name }) => name)
    unheard = waitedFor.filter((name) => !heard.includes(name))
    return unheard.length === 0
  }
  await until('the backup to hear of each instance', heardAll).catch((cause: unknown) => {
    throw new Error(`no adverts were taken of ${unheard.join(', ')}`, { cause })
  })
  expect((await instances()).map(({ state, dropped }) => ({ state, dropped }))).toEqual(
    VARIANTS.map(() => ({ state: 'backup', dropped: {} })),
  )
}

const complaintsOf = ({ complaints }: Frame) => complaints.map((each) => each.replace(/0x[\da-f]{4}/, '…'))

describe.each(VARIANTS.map((variant) => ({ ...variant, variant })))('$name', ({ variant }) => {
  const adverts = (form: Form) =>
    framesOf(form).filter(({ fields }) => fields['vrrp.virt_rtr_id'][0] === String(vridOf(variant)))

  test('has the fields that it should have, the last one priority 0', () => {
    const { version, family, priority = 100, intervalS = 1, unicast, virtualMac, group, authType, password } = variant
    const addresses = addressesOf(variant)
    const isAh = authType === '2'
    const destination = group ?? (family === 4 ? '224.0.0.18' : 'ff02::12')
    const multicastMac =
      family === 4 ? `01:00:5e:00:00:${hex(Number(destination.split('.')[3]), 2)}` : '33:33:00:00:00:12'
    const source = family === 4 ? '10.0.0.1' : unicast === true ? 'fd00::1' : own.linkLocal
    const target = unicast !== true ? destination : family === 4 ? '10.0.0.2' : 'fd00::2'
    const expected: Partial<Frame['fields']> = {
      'eth.src': [virtualMac === true ? virtualMacOf(variant) : own.mac],
      'eth.dst': [unicast === true ? peer.mac : multicastMac],
      'ip.src': family === 4 ? [source] : [],
      'ip.dst': family === 4 ? [target] : [],
      'ip.ttl': family === 4 ? ['255'] : [],
      'ip.dsfield': family === 4 ? ['0xc0'] : [],
      'ip.checksum.status': family === 4 ? [GOOD] : [],
      'ipv6.src': family === 6 ? [source] : [],
      'ipv6.dst': family === 6 ? [target] : [],
      'ipv6.hlim': family === 6 ? ['255'] : [],
      'ipv6.tclass': family === 6 ? ['0x000000c0'] : [],
      'vrrp.version': [String(version)],
      'vrrp.type': ['1'],
      'vrrp.addr_count': [String(addresses.length)],
      'vrrp.adver_int': version === 2 ? [String(intervalS)] : [],
      'vrrp.short_adver_int': version === 3 ? [String(Math.round(intervalS * 100))] : [],
      'vrrp.reserved_mbz': version === 3 ? ['0'] : [],
      'vrrp.auth_type': version === 2 ? [authType ?? '0'] : [],
      'vrrp.auth_string': password === undefined ? [] : [password],
      'vrrp.ip_addr': family === 4 ? addresses : [],
      'vrrp.ipv6_addr': family === 6 ? addresses : [],
      'ah.next_header': isAh ? ['112'] : [],
      'ah.length': isAh ? ['4'] : [],
      'ah.reserved': isAh ? ['0000'] : [],
      'ah.spi': isAh ? ['0x0a000001'] : [],
    }
    const seen = adverts('pseudo-header')
    for (const { fields } of seen) expect(fields).toMatchObject(expected)
    const priorities = seen.map(({ fields }) => Number(fields['vrrp.prio'][0]))
    expect(priorities.length).toBeGreaterThan(1)
    expect(priorities).toEqual([...priorities.slice(1).fill(priority), 0])
  })

  test.each(FORMS)('tshark has no complaint but those that are expected: %s', (form) => {
    const { right = FORMS, group } = variant
    const isRight = right.includes(form)
    const expected = [...(group === undefined ? [] : [OTHER_GROUP]), ...(isRight ? [] : [BAD_CHECKSUM])]
    const seen = adverts(form)
    for (const frame of seen) {
      expect(complaintsOf(frame)).toEqual(expected)
      expect(frame.fields['vrrp.checksum.status']).toEqual([isRight ? GOOD : '0'])
    }
    expect(seen.length).toBeGreaterThan(1)
  })
})

test('tshark has no complaint about any other frame, and reads each as what it is', () => {
  const others = framesOf('plain').filter(({ fields }) => fields['vrrp.virt_rtr_id'].length === 0)
  expect(others.filter(({ complaints }) => complaints.length > 0)).toEqual([])
  const known = [
    'eth:ethertype:arp',
    'eth:ethertype:ipv6:icmpv6',
    // All but the last fragment of each advert that is in fragments.
    'eth:ethertype:ipv6:ipv6.fraghdr:data',
    // By the kernel: what groups it is in.
    'eth:ethertype:ip:igmp:igmp',
    'eth:ethertype:ipv6:ipv6.hopopts:icmpv6',
  ]
  const protocols = new Set(others.flatMap(({ fields }) => fields['frame.protocols']))
  expect([...protocols].filter((each) => !known.includes(each))).toEqual([])
})

describe('announcements', () => {
  const all = (family: 4 | 6) =>
    VARIANTS.filter((each) => each.family === family).flatMap((each) =>
      addressesOf(each).map((address) => ({
        address,
        mac: each.settings?.includes('use_vmac') === true ? virtualMacOf(each) : own.mac,
      })),
    )

  test('of IPv4: a gratuitous request and a reply for each address', () => {
    const seen = framesOf('plain')
      .filter(({ fields }) => fields['arp.isgratuitous'][0] === '1')
      .map(({ fields }) => JSON.stringify(Object.entries(fields).filter(([name]) => /^(arp|eth)\./.test(name))))
    const announcement = (operation: 'request' | 'reply', address: string, mac: string) => {
      const broadcast = 'ff:ff:ff:ff:ff:ff'
      const opcode = operation === 'request' ? '1' : '2'
      const target = operation === 'request' ? broadcast : mac
      return JSON.stringify([
        ['eth.src', [mac]],
        ['eth.dst', [broadcast]],
        ['arp.opcode', [opcode]],
        ['arp.isgratuitous', ['1']],
        ['arp.src.hw_mac', [mac]],
        ['arp.src.proto_ipv4', [address]],
        ['arp.dst.hw_mac', [target]],
        ['arp.dst.proto_ipv4', [address]],
      ])
    }
    const wanted = all(4).flatMap(({ address, mac }) =>
      (['request', 'reply'] as const).map((operation) => announcement(operation, address, mac)),
    )
    expect(wanted.filter((each) => !seen.includes(each))).toEqual([])
  })

  test('of IPv6: an unsolicited advertisement for each address, with router flag and a right checksum', () => {
    const advertisements = framesOf('plain').filter(
      ({ fields }) => fields['icmpv6.type'][0] === '136' && fields['ipv6.dst'][0] === 'ff02::1',
    )
    for (const { fields } of advertisements) {
      expect(fields).toMatchObject({
        'eth.dst': ['33:33:00:00:00:01'],
        'ipv6.hlim': ['255'],
        'ipv6.src': fields['icmpv6.nd.na.target_address'],
        'icmpv6.checksum.status': [GOOD],
        'icmpv6.nd.na.flag.r': ['1'],
        'icmpv6.nd.na.flag.s': ['0'],
        'icmpv6.nd.na.flag.o': ['1'],
        'icmpv6.opt.linkaddr': fields['eth.src'],
      })
    }
    const seen = new Set(
      advertisements.map(({ fields }) => `${fields['icmpv6.nd.na.target_address'][0]} ${fields['eth.src'][0]}`),
    )
    expect(all(6).filter(({ address, mac }) => !seen.has(`${address} ${mac}`))).toEqual([])
  })
})
