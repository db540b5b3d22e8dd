import { expect, test } from 'vitest'
import { millis } from '../../src/time.ts'
import { anInstance, ip } from './instances.ts'
import { anInterface, Story } from './story.ts'

/** What `tanist status` says about instance `a`: every way into every state, and what becomes of the cause. */
const b = anInstance({ name: 'b', interface: 'eth1', vrid: 52 })
const group = [{ name: 'g', instances: ['a', 'b'], tracks: [] }]
const alone = (change: Parameters<typeof anInstance>[0] = {}) => new Story([anInstance(change)])
const grouped = () => new Story([anInstance(), b], group)
const sourced = { source: ip('10.0.0.5') }
const moved = (...addresses: readonly string[]) =>
  anInterface('eth0', {
    addresses: addresses.map((each) => ({ address: ip(each), prefix: 24, primary: true, tentative: false })),
  })

test.each<[string, Story, string, string]>([
  ['before news of the link', new Story([]).configure([anInstance()]).network(), 'fault', 'eth0 does not exist'],
  ['started', alone(), 'backup', 'started'],
  ['the owner', alone({ priority: 255 }), 'master', 'owns the addresses'],
  ['nobody was heard', alone().until(3700), 'master', 'no adverts from a master'],
  ['a master is heard', alone().advert(200), 'backup', '10.0.0.2 is master with priority 200'],
  ['it is silent', alone().until(1000).advert(200).until(4700), 'master', 'no adverts from 10.0.0.2 for 3.6 s'],
  ['it gave up', alone().advert(200).until(10).advert(0), 'backup', '10.0.0.2 gave the role up'],
  ['and was followed', alone().advert(200).advert(0).until(700), 'master', '10.0.0.2 gave the role up'],
  ['a lower master is heard', alone().advert(90), 'backup', 'about to take over from 10.0.0.2 (90)'],
  ['and preempted', alone().until(3500).advert(90).until(3700), 'master', 'higher priority than 10.0.0.2 (90)'],
  ['a lower one died', alone().advert(90).until(4000), 'master', 'no adverts from 10.0.0.2 for 3.6 s'],
  ['nopreempt', alone({ preempt: false }).advert(90), 'backup', '10.0.0.2 (90) is master, and nopreempt is set'],
  [
    'nopreempt, and it died',
    alone({ preempt: false }).advert(90).until(3700),
    'master',
    'no adverts from 10.0.0.2 for 3.6 s',
  ],
  [
    'preempt_delay',
    alone({ preemptDelay: millis(30_000) }).advert(90),
    'backup',
    '10.0.0.2 (90) is master until preempt_delay is over',
  ],
  [
    'preempt_delay is over',
    alone({ preemptDelay: millis(1000) })
      .advert(90)
      .until(1500)
      .advert(90)
      .until(3700),
    'master',
    'higher priority than 10.0.0.2 (90), and preempt_delay is over',
  ],
  ['a higher one came', alone().until(3700).advert(200), 'backup', '10.0.0.2 has a higher priority (200)'],
  [
    'a greater address came',
    alone().until(3700).advert(100),
    'backup',
    '10.0.0.2 has the same priority (100) and a greater address',
  ],
  ['link down', alone().link('eth0', false), 'fault', 'eth0 is down'],
  ['link up', alone().link('eth0', false).link('eth0', true), 'backup', 'eth0 is up again'],
  ['no address', alone().network(moved()), 'fault', 'eth0 has no IPv4 address'],
  ['an address', alone().network(moved()).link('eth0', true), 'backup', 'eth0 has an IPv4 address again'],
  ['no source', alone(sourced), 'fault', '10.0.0.5 is not on this host'],
  ['a source', alone(sourced).network(moved('10.0.0.5')), 'backup', '10.0.0.5 is on this host again'],
  ['the cause changes', alone().network(moved()).link('eth0', false), 'fault', 'eth0 is down'],
  ['another member fails', grouped().link('eth1', false), 'fault', 'sync group g: b (eth1 is down)'],
  [
    'its own link goes and comes, that of the other does not come',
    grouped().link('eth0', false).link('eth1', false).link('eth0', true),
    'fault',
    'sync group g: b (eth1 is down)',
  ],
  [
    'the other recovers',
    grouped().link('eth1', false).link('eth1', true),
    'backup',
    'sync group g: b (eth1 is up again)',
  ],
  [
    'the other yields',
    grouped().until(3700).advert(200, '10.0.0.2', 1000, 'b'),
    'backup',
    'sync group g: b (10.0.0.2 has a higher priority (200))',
  ],
  [
    'a group is made of a master and a backup',
    new Story([anInstance(), b])
      .until(3000)
      .advert(200, '10.0.0.2', 1000, 'b')
      .until(3700)
      .configure([anInstance(), b], group),
    'backup',
    'sync group g: not all of its members were master',
  ],
  [
    'adopted',
    alone().on({ type: 'adopt', masters: [anInstance()], known: [] }),
    'master',
    'adopted after a restart of the vrrp process',
  ],
  [
    'adopted of a process that knew why',
    alone().on({
      type: 'adopt',
      masters: [anInstance()],
      known: [{ ...anInstance(), state: 'master', reason: 'no adverts' }],
    }),
    'master',
    'no adverts',
  ],
  [
    'known in another state',
    alone().on({ type: 'adopt', masters: [], known: [{ ...anInstance(), state: 'master', reason: 'no adverts' }] }),
    'backup',
    'started',
  ],
  ['stopped', alone().until(3700).on({ type: 'stop', keepAddresses: true }), 'init', 'stopped'],
])('%s', (_name, story, state, reason) => {
  expect([story.stateOf(), story.reasonOf()]).toEqual([state, reason])
})
