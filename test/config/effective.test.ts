import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { type ElectionOptions, RFC_ELECTION } from '../../src/model/election.ts'
import { millis } from '../../src/time.ts'
import { surroundings } from '../support/surroundings.ts'

/** What keepalived 2.2.7 runs with a message in its log starts here with a warning, and means the same. */
const load = (text: string) => loadConfig({ name: 'x', text }, surroundings())

const instance = (inside: string, id = 1, name = 'a') =>
  `vrrp_instance ${name} {\n  interface eth0\n  virtual_router_id ${id}\n  ${inside}\n}\n`
const vip = 'virtual_ipaddress { 10.0.0.1/24 }'
const auth = 'authentication { auth_type PASS\n auth_pass secret\n }'
const server = 'real_server 10.1.0.1 80 { weight 3\n }'
const service = (inside: string, head = '10.0.0.9 80') =>
  `virtual_server ${head} {\n  protocol TCP\n  lb_algo rr\n  lb_kind NAT\n  ${inside}\n}\n`

function started(text: string) {
  const { config, diagnostics } = load(text)
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const codes = diagnostics.map(({ code }) => code).filter((code) => !code.startsWith('not-'))
  return { config, codes }
}

describe('what counts of a VRRP instance', () => {
  test.each<[string, string, object, string]>([
    ['state SLAVE', 'state SLAVE', { priority: 100, preempt: true }, 'ignored-value'],
    ['state in lower case', 'state master', { priority: 100 }, 'ignored-value'],
    ['nopreempt of a MASTER', 'state MASTER\n priority 90\n nopreempt', { preempt: true }, 'bad-preemption'],
    ['nopreempt of an owner', 'priority 255\n nopreempt', { preempt: true }, 'bad-preemption'],
    [
      'preempt_delay of a MASTER',
      'state MASTER\n priority 90\n preempt_delay 7',
      { preemptDelay: 0 },
      'bad-preemption',
    ],
    [
      'preempt_delay and nopreempt',
      'nopreempt\n preempt_delay 7',
      { preempt: false, preemptDelay: 0 },
      'bad-preemption',
    ],
    [
      'preempt_delay in strict mode',
      'strict_mode\n no_accept\n preempt_delay 7',
      { preemptDelay: 0 },
      'bad-preemption',
    ],
    ['authentication in version 3', `version 3\n ${auth}`, { authentication: { type: 'none' } }, 'ignored-value'],
    [
      'authentication in strict mode',
      `strict_mode\n no_accept\n ${auth}`,
      { authentication: { type: 'none' } },
      'ignored-value',
    ],
    [
      'even AH, where there is none at all',
      'version 3\n authentication { auth_type AH\n auth_pass secret\n }',
      { authentication: { type: 'none' } },
      'ignored-value',
    ],
    [
      'a password without type',
      'authentication { auth_pass secret\n }',
      { authentication: { type: 'none' } },
      'ignored-value',
    ],
    [
      'a type without password',
      'authentication { auth_type PASS\n }',
      { authentication: { type: 'none' } },
      'ignored-value',
    ],
    [
      'state MASTER with AH',
      'state MASTER\n priority 90\n authentication { auth_type AH\n auth_pass secret\n }',
      { priority: 90, authentication: { type: 'ah', password: 'secret' } },
      'ignored-value',
    ],
    ['half a second in version 2', 'advert_int 0.5', { advertInt: 1000 }, 'rounded-value'],
    ['less than that', 'advert_int 0.2', { advertInt: 1000 }, 'rounded-value'],
    ['one and a half', 'advert_int 1.5', { advertInt: 2000 }, 'rounded-value'],
    ['two and a bit', 'advert_int 2.4', { advertInt: 2000 }, 'rounded-value'],
    ['thousandths in version 3', 'version 3\n advert_int 0.015', { advertInt: 20 }, 'rounded-value'],
    ['a minute in version 3', 'version 3\n advert_int 60', { advertInt: 40_950 }, 'rounded-value'],
    [
      'itself among its peers',
      'unicast_src_ip 10.0.0.2\n unicast_peer {\n 10.0.0.2\n 10.0.0.3\n }',
      { unicastPeers: [{ address: '10.0.0.3' }] },
      'ignored-value',
    ],
    [
      'the prefix length of a peer',
      'unicast_src_ip 10.0.0.2\n unicast_peer {\n 10.0.0.3/24\n }',
      { unicastPeers: [{ address: '10.0.0.3' }] },
      'ignored-value',
    ],
    [
      'the netmask of a source',
      'unicast_src_ip 10.0.0.2/255.255.255.0\n unicast_peer {\n 10.0.0.3\n }',
      { source: '10.0.0.2' },
      'ignored-value',
    ],
    ['a misspelt option that keepalived passes over', 'lvs_sync_daemon_inteface eth0', {}, 'obsolete-keyword'],
  ])('%s', (_name, inside, expected, code) => {
    const { config, codes } = started(instance(`${vip}\n ${inside}`))
    expect(config.instances).toMatchObject([expected])
    expect(codes).toEqual([code])
  })

  test('authentication of version 2 counts, and says no more than before', () => {
    const { config, codes } = started(instance(`${vip}\n ${auth}`))
    expect(config.instances[0]?.authentication).toEqual({ type: 'pass', password: 'secret' })
    expect(codes).toEqual([])
  })

  test('strict mode with a MASTER and unicast runs', () => {
    const { config, codes } = started(
      `global_defs { vrrp_strict }\n${instance(`${vip}\n state MASTER\n priority 90\n unicast_peer { 10.0.0.3 }`)}`,
    )
    expect(config.instances).toMatchObject([{ unicastPeers: [{ address: '10.0.0.3' }] }])
    expect(codes).toEqual(['strict-accepts', 'ignored-value', 'ignored-value'])
  })

  const electionOf = (inside: string, global = '') =>
    started(`global_defs {\n ${global}\n}\n${instance(`${vip}\n ${inside}`)}`).config.instances[0]?.election

  test('nothing said: the election is that of RFC 9568', () => {
    expect(electionOf('')).toEqual(RFC_ELECTION)
  })

  test.each<[string, string, Partial<ElectionOptions>]>([
    ['down_timer_adverts 6', 'vrrp_down_timer_adverts 4', { downTimerAdverts: 6 }],
    ['', 'vrrp_down_timer_adverts 4', { downTimerAdverts: 4 }],
    ['lower_prio_no_advert', '', { answersLower: false }],
    ['lower_prio_no_advert no', 'vrrp_lower_prio_no_advert', { answersLower: true }],
    ['higher_prio_send_advert', '', { advertBeforeYielding: true }],
    ['', 'vrrp_higher_prio_send_advert', { advertBeforeYielding: true }],
    ['owner_ignore_adverts', '', { ownerIgnoresAdverts: true }],
    ['', 'vrrp_owner_ignore_adverts', { ownerIgnoresAdverts: true }],
    ['timer_expired_backup', '', { highestOther: 254 }],
    ['timer_expired_backup 90', '', { highestOther: 90 }],
    ['thread_timer_expired 90', '', { highestOther: 90 }],
    ['', 'vrrp_startup_delay 2.5', { startDelay: millis(2500) }],
    ['', 'vrrp_delay_after_boot 60', { delayAfterBoot: millis(60_000) }],
    ['strict_mode\n higher_prio_send_advert\n down_timer_adverts 5', '', { answersLower: false }],
    ['strict_mode\n priority 255', '', { answersLower: false, ownerIgnoresAdverts: true }],
  ])('%s, %s', (inside, global, differs) => {
    expect(electionOf(inside, global)).toEqual({ ...RFC_ELECTION, ...differs })
  })

  test('an address of the other family is not in the adverts', () => {
    const both = `virtual_ipaddress {\n 10.0.0.1/24\n fe80::1\n }`
    const { diagnostics, config } = load(instance(both))
    expect(diagnostics.map(({ code }) => code)).toEqual(['other-family'])
    const [only] = config?.instances ?? []
    expect(only?.addresses.map(({ address }) => address)).toEqual(['10.0.0.1'])
    expect(only?.excludedAddresses.map(({ address, prefix }) => `${address}/${prefix}`)).toEqual(['fe80::1/128'])
  })

  test('one virtual address in two instances is a warning', () => {
    const { config, codes } = started(instance(vip) + instance(vip, 2, 'b'))
    expect(config.instances.map(({ addresses }) => addresses.map(({ address }) => address))).toEqual([
      ['10.0.0.1'],
      ['10.0.0.1'],
    ])
    expect(codes).toEqual(['repeated-address'])
  })

  test('a sync group without members is left out', () => {
    expect(started(`${instance(vip)}vrrp_sync_group g {\n}`).config.syncGroups).toEqual([])
  })

  test('delays of interfaces: one number is for both', () => {
    const { config } = started(`interface_up_down_delays {\n eth0 0.5\n eth1 1 20\n}\n${instance(vip)}`)
    expect(config.linkDelays).toEqual([
      { interface: 'eth0', down: 500, up: 500 },
      { interface: 'eth1', down: 1000, up: 20_000 },
    ])
  })

  test('what says how its own interface and source are watched', () => {
    const watch = (inside: string) => {
      const [found] = started(instance(`${vip}\n mcast_src_ip 10.0.0.7\n ${inside}`)).config.instances
      return [found?.trackPrimary, found?.trackSource]
    }
    expect(watch('')).toEqual([true, false])
    expect(watch('dont_track_primary')).toEqual([false, false])
    expect(watch('track_src_ip')).toEqual([true, true])
  })
})

describe('what an instance hangs on', () => {
  const trackers = [
    'vrrp_script s {\n script /bin/true\n weight 7\n}',
    'track_file f {\n file /f\n}',
    'track_file g {\n file /g\n weight 3\n}',
    'vrrp_track_process p {\n process x\n weight 4\n}',
  ].join('\n')
  const tracking = `track_interface { eth1 weight -20 reverse\n eth2 }
    track_script { s }
    track_file { f\n g }
    track_process { p }`
  const group = (inside: string) => `vrrp_sync_group G {\n group { a\n b }\n ${inside}\n}\n`
  const tracksOf = (text: string) => {
    const { config } = load(trackers + '\n' + text)
    const short = (tracks: readonly { name: string; weight: number; reverse: boolean }[] = []) =>
      tracks.map(({ name, weight, reverse }) => `${name} ${weight}${reverse ? ' reverse' : ''}`)
    return { own: short(config?.instances[0]?.tracks), group: short(config?.syncGroups[0]?.tracks) }
  }
  const pair = (inside: string) => instance(`${vip}\n ${inside}`) + instance('no_virtual_ipaddress', 2, 'b')
  const all = ['eth1 -20 reverse', 'eth2 0', 's 7', 'f 1', 'g 3', 'p 4']

  test('of its own, with the weights of the trackers where it says none', () => {
    expect(tracksOf(pair(tracking)).own).toEqual(all)
  })

  test.each(['sync_group_tracking_weight', 'global_tracking'])('in a group with %s, too', (keyword) => {
    expect(tracksOf(pair(tracking) + group(keyword)).own).toEqual(all)
  })

  test('in a group an interface and a file of weight 1 decide about fault, a process has its weight, the rest goes', () => {
    expect(tracksOf(pair(tracking) + group('')).own).toEqual(['eth1 0 reverse', 'eth2 0', 'f 0', 'p 4'])
  })

  test('what has no effect is not watched', () => {
    const watched = (text: string) => {
      const { scripts, files, processes } = load(`${trackers}\n${text}`).config?.scripts.trackers ?? {}
      return [scripts, files, processes].flatMap((of = []) => of.map(({ name }) => name))
    }
    expect(watched(pair(tracking))).toEqual(['s', 'f', 'g', 'p'])
    expect(watched(pair(tracking) + group(''))).toEqual(['f', 'p'])
    expect(watched(pair('') + group(tracking))).toEqual(['s', 'f', 'g', 'p'])
  })

  test('of the owner of the addresses a weighted interface goes as well', () => {
    expect(tracksOf(pair(`priority 255\n ${tracking}`)).own).toEqual(['eth2 0', 'f 0', 'p 4'])
  })

  test('with its group: what that tracks, without weights when one of the members owns the addresses', () => {
    expect(tracksOf(pair('') + group(tracking)).group).toEqual(all)
    const zero = ['eth1 0 reverse', 'eth2 0', 's 0', 'f 0', 'g 0', 'p 0']
    expect(tracksOf(pair('priority 255') + group(tracking)).group).toEqual(zero)
  })
})

describe('a flag with a word behind it', () => {
  test.each([
    ['no', 'no', false],
    ['off', 'off', false],
    ['false', 'false', false],
    ['yes', 'yes', true],
    ['on', 'on', true],
    ['true', 'true', true],
    ['nothing', '', true],
    ['a comment', '# no', true],
  ])('%s', (_name, word, on) => {
    const { settings } = load(
      `global_defs {\n vrrp_strict ${word}\n rs_init_notifies ${word}\n no_checker_emails ${word}\n}\n${instance(`${vip}\n nopreempt ${word}\n dont_track_primary ${word}`)}`,
    )
    const { global_defs: global, vrrp_instance: instances } = settings
    expect([global?.vrrp_strict, global?.rs_init_notifies, global?.no_checker_emails]).toEqual([on, on, on])
    expect([instances[0]?.nopreempt, instances[0]?.dont_track_primary]).toEqual([on, on])
  })

  test('a keyword that takes a flag back takes such words, too', () => {
    const nopreempt = (inside: string) => load(instance(`${vip}\n ${inside}`)).settings.vrrp_instance[0]?.nopreempt
    expect(nopreempt('preempt')).toBe(false)
    expect(nopreempt('preempt no')).toBe(true)
    expect(nopreempt('nopreempt\n preempt yes')).toBe(false)
  })

  test('`vrrp_strict no` is no strict mode: authentication counts', () => {
    const { config, codes } = started(`global_defs { vrrp_strict no\n }\n${instance(`${vip}\n ${auth}`)}`)
    expect(config.instances[0]?.authentication).toEqual({ type: 'pass', password: 'secret' })
    expect(config.notRunning).toEqual([])
    expect(codes).toEqual(['ignored-value'])
  })

  test.each([
    'vrrp_strict NO',
    'vrrp_strict False',
    'dynamic_interfaces no',
    'lvs_flush_on_stop off',
    'rs_init_notifies Off',
  ])('`%s` is off', (line) => {
    const { config, codes } = started(`global_defs { ${line}\n }\n${instance(`${vip}\n ${auth}`)}`)
    expect(config.instances[0]?.authentication).toEqual({ type: 'pass', password: 'secret' })
    expect(config.notRunning).toEqual([])
    const isOther = /[A-Z]/.test(line)
    expect(codes.toSorted()).toEqual([
      ...(line.startsWith('rs_') ? [] : ['ignored-value']),
      ...(isOther ? ['other-case'] : []),
    ])
  })
})

describe('what counts of a virtual server', () => {
  test.each<[string, string, object, readonly string[]]>([
    ['nat_mask', service(`nat_mask 255.255.255.0\n ${server}`), {}, ['obsolete-keyword']],
    [
      'nb_get_retry of a TCP_CHECK',
      service(server.replace('weight 3', 'TCP_CHECK { nb_get_retry 3\n }')),
      {},
      ['obsolete-keyword'],
    ],
    [
      'persistence_timeout 0',
      service(`persistence_timeout 0\n ${server}`),
      { persistence: undefined },
      ['ignored-value'],
    ],
    [
      'persistence_granularity 0.0.0.0',
      service(`persistence_timeout 60\n persistence_granularity 0.0.0.0\n ${server}`),
      { persistence: { timeoutSeconds: 60, clientPrefix: 0 } },
      ['one-client'],
    ],
    [
      'every port without persistence',
      service(server, '10.0.0.9'),
      { persistence: { timeoutSeconds: 360, clientPrefix: 32 } },
      ['assumed-value'],
    ],
    [
      'prefix lengths of a service and its servers',
      service(`sorry_server 10.1.0.9/16 80\n ${server.replace(/(real_server \S+)/, '$1/16')}`, '10.0.0.9/32 80'),
      { services: [{ vip: { address: '10.0.0.9', port: 80 } }], sorryServer: { endpoint: { address: '10.1.0.9' } } },
      ['ignored-value', 'ignored-value', 'ignored-value'],
    ],
    ['quorum 0', service(`quorum 0\n ${server}`), { quorum: 1 }, ['ignored-value']],
    ['ops for TCP', service(`ops\n ${server}`), { onePacket: false }, ['ignored-value']],
    [
      'tcp',
      service(server).replace('TCP', 'tcp'),
      { services: [{ by: 'address', vip: { address: '10.0.0.9', port: 80 }, protocol: 'TCP' }] },
      [],
    ],
    ['dr', service(server).replace('NAT', 'dr'), { method: 'DR' }, ['other-case']],
    ['RR', service(server).replace('rr', 'RR'), { scheduler: 'rr' }, ['other-case']],
  ])('%s', (_name, text, expected, codes) => {
    const { config, codes: found } = started(text)
    expect(config.virtualServers).toMatchObject([expected])
    expect(found).toEqual(codes)
  })

  test('a real server twice: the first one counts', () => {
    const { config, codes } = started(service(`${server}\n ${server.replace('weight 3', 'weight 9')}`))
    expect(config.virtualServers[0]?.realServers.map(({ weight }) => weight)).toEqual([3])
    expect(codes).toEqual(['repeated-server'])
  })

  test('weights are those of IPVS', () => {
    expect(started(service(server.replace('3', '70000'))).config.virtualServers[0]?.realServers[0]?.weight).toBe(70_000)
  })
})

test.each(['lvs_id x', 'linkbeat_use_polling'])('in global_defs, %s is obsolete', (line) =>
  expect(started(`global_defs { ${line}\n }`).codes).toEqual(['obsolete-keyword']),
)

describe('a mistake stays an error where the pair would do something else than written', () => {
  test.each([
    ['a misspelt keyword', instance(`${vip}\n virtual_ipadress_excluded { 10.0.0.3 }`)],
    ['a tracker that is not there', instance(`${vip}\n track_script { nosuch }`)],
    ['a member that is not there', `${instance(vip)}vrrp_sync_group g { group { a\n nosuch\n } }`],
    ['a router id twice', instance(vip) + instance('virtual_ipaddress { 10.0.0.2 }', 1, 'b')],
    [
      'AH in IPv6',
      instance('version 2\n virtual_ipaddress { fe80::1 }\n authentication { auth_type AH\n auth_pass x\n }'),
    ],
    ['an authentication type in lower case', instance(`${vip}\n authentication { auth_type pass\n auth_pass x\n }`)],
    ['nobody but itself as a peer', instance(`${vip}\n unicast_src_ip 10.0.0.2\n unicast_peer { 10.0.0.2 }`)],
    ['a network for a peer', instance(`${vip}\n unicast_peer { 10.0.0.0/24 }`)],
    ['a state that is none', instance(`${vip}\n state MSATER`)],
    ['a priority that is none', instance(`${vip}\n priority 256`)],
    ['a service twice', service(server) + service(server)],
    ['another port by DR', service(server.replace(' 80 ', ' 8080 ')).replace('NAT', 'DR')],
    ['no protocol', service(server).replace('protocol TCP', '')],
    ['a netmask with holes', service(`persistence_timeout 9\n persistence_granularity 255.0.255.0\n ${server}`)],
  ])('%s', (_name, text) => expect(load(text).config).toBeUndefined())
})
