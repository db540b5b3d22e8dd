import { configuration, instance, trackInterfaces } from './configuration.ts'
import type { Interface, Sequence, Step } from './sequence.ts'

const set = (name: Interface, state: 'up' | 'down', lasts = 2500): Step => ({
  does: { type: 'link', name, state },
  lasts,
})
const cable = (name: Interface, state: 'up' | 'down', lasts = 2500): Step => ({
  does: { type: 'cable', name, state },
  lasts,
})

const tracking = (track: string, priority = 150) =>
  configuration([instance({ priority, more: trackInterfaces(track) })])

/** Interfaces, an instance's own and those that it tracks. */
export const links: readonly Sequence[] = [
  {
    name: "an instance's own interface is set down and up",
    config: configuration([instance()]),
    steps: [set('eth0', 'down'), set('eth0', 'up', 4000)],
    // A link that comes up is believed late.
    slack: 1300,
  },
  {
    name: "an instance's own cable is unplugged and plugged in",
    config: configuration([instance()]),
    steps: [cable('eth0', 'down'), cable('eth0', 'up', 4000)],
    slack: 1300,
  },
  {
    name: 'fault while a tracked interface is down',
    config: tracking('eth1'),
    steps: [set('eth1', 'down'), set('eth1', 'up', 4000)],
    slack: 1300,
  },
  {
    name: 'fault while the cable of a tracked interface is unplugged',
    config: tracking('eth1'),
    steps: [cable('eth1', 'down'), cable('eth1', 'up', 4000)],
    slack: 1300,
  },
  {
    name: 'an interface that is down subtracts its weight',
    config: tracking('eth1 weight -60'),
    steps: [set('eth1', 'down'), set('eth1', 'up', 4000)],
    slack: 1300,
  },
  {
    name: 'an interface that is up adds its weight',
    config: tracking('eth1 weight 60', 80),
    steps: [set('eth1', 'down'), set('eth1', 'up', 4000)],
    slack: 1300,
  },
  {
    name: 'fault while a reversed interface is up',
    config: tracking('eth1 weight 0 reverse'),
    steps: [set('eth1', 'down', 4000), set('eth1', 'up')],
    slack: 1300,
  },
  {
    name: 'a reversed weight of an interface counts the other way round',
    config: tracking('eth1 weight -60 reverse', 80),
    steps: [set('eth1', 'down'), set('eth1', 'up', 4000)],
    slack: 1300,
  },
  {
    name: "an instance's own interface does not count with dont_track_primary",
    config: configuration([instance({ more: 'dont_track_primary' })]),
    steps: [
      { does: { type: 'peer', priority: 'stopped' }, lasts: 1500 },
      cable('eth0', 'down'),
      cable('eth0', 'up', 4000),
    ],
    slack: 1300,
    byDesign: [
      {
        step: 4,
        channel: 'addresses',
        tells: [],
        why: 'a director that is alone leaves its addresses for a while: a restart loses nothing',
      },
    ],
  },
  {
    name: 'an interface that is down only for a moment does not count when there is a delay',
    config: configuration([
      `
interface_up_down_delays {
  eth1 0.4 0.4
}`,
      instance({ more: trackInterfaces('eth1') }),
    ]),
    steps: [set('eth1', 'down', 150), set('eth1', 'up', 2000), set('eth1', 'down', 2500), set('eth1', 'up', 4000)],
    slack: 1300,
  },
  {
    name: 'a tracked interface is deleted and made again',
    config: tracking('eth1'),
    steps: [
      { does: { type: 'ip', commands: ['link delete eth1'] }, lasts: 2500 },
      {
        does: {
          type: 'ip',
          commands: ['link add eth1 type veth peer name eth2', 'link set eth2 up', 'link set eth1 up'],
        },
        lasts: 4000,
      },
    ],
    slack: 1300,
  },
  {
    name: 'fault while the source address is not there',
    // A virtual address of the same subnet would go with it.
    config: configuration([
      instance({ more: 'mcast_src_ip 10.0.0.1\n  track_src_ip' }).replace('10.0.0.100/24', '10.0.0.100/32'),
    ]),
    steps: [
      { does: { type: 'ip', commands: ['address delete 10.0.0.1/24 dev eth0'] }, lasts: 2500 },
      { does: { type: 'ip', commands: ['address add 10.0.0.1/24 dev eth0'] }, lasts: 4000 },
    ],
    byDesign: [
      {
        step: 1,
        channel: 'scripts',
        tells: ['[fault] [VI_1]', '[any] [INSTANCE] [VI_1] [FAULT] [150]'],
        why: 'nobody may send from an address that the host has not; keepalived looks only at the source of unicast',
      },
      { step: 1, channel: 'pipe', tells: ['INSTANCE "VI_1" FAULT 150'], why: 'the same' },
      { step: 1, channel: 'addresses', tells: ['deleted 10.0.0.1/24', 'deleted 10.0.0.100/32'], why: 'the same' },
      { step: 1, channel: 'adverts', tells: ['vrid 51 priority 0'], why: 'the same' },
      {
        step: 2,
        channel: 'scripts',
        tells: [
          '[backup] [VI_1]',
          '[any] [INSTANCE] [VI_1] [BACKUP] [150]',
          '[master] [VI_1]',
          '[any] [INSTANCE] [VI_1] [MASTER] [150]',
        ],
        why: 'the same',
      },
      {
        step: 2,
        channel: 'pipe',
        tells: ['INSTANCE "VI_1" BACKUP 150', 'INSTANCE "VI_1" MASTER 150'],
        why: 'the same',
      },
      { step: 2, channel: 'addresses', tells: ['added 10.0.0.1/24', 'added 10.0.0.100/32'], why: 'the same' },
      { step: 2, channel: 'adverts', tells: ['vrid 51 priority 150'], why: 'the same' },
    ],
  },
]
