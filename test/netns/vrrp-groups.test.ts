import { afterEach, expect, test } from 'vitest'
import { AddressEvents } from '../support/address-events.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

let lab: Lab
afterEach(() => lab.destroy())

const VIPS = ['10.0.0.6', '10.1.0.6'] as const

/** Two instances, on eth0 and eth1, with these priorities. */
function config(priorities: readonly [number, number], more: string, grouped: boolean): string {
  const instances = priorities.map(
    (priority, i) => `vrrp_instance v${i} {
  state BACKUP
  interface eth${i}
  virtual_router_id ${50 + i}
  version 3
  priority ${priority}
  advert_int 0.3
  ${more}
  virtual_ipaddress {
    ${VIPS[i]}/16
  }
}
`,
  )
  return `${grouped ? 'vrrp_sync_group g {\n  group {\n    v0\n    v1\n  }\n}\n' : ''}${instances.join('')}`
}

interface Case {
  readonly name: string
  /** Of v0 and v1, on each director. */
  readonly grouped: readonly (readonly [number, number])[]
}

const cases: readonly Case[] = [
  {
    name: 'the same',
    grouped: [
      [150, 150],
      [100, 100],
    ],
  },
  {
    name: 'opposite',
    grouped: [
      [150, 100],
      [100, 150],
    ],
  },
]

test.each(cases)(
  'a group that a reload makes on an active-active pair ends on one node; $name priorities',
  async ({ grouped }) => {
    lab = new Lab()
    for (const i of [0, 1]) lab.addSwitch(`lan${i}`)
    for (const i of [1, 2]) {
      lab.addHost(
        `director${i}`,
        [0, 1].map((n) => ({ switch: `lan${n}`, address: `10.${n}.100.${i}/16` })),
      )
    }
    const split = [
      [150, 100],
      [100, 150],
    ] as const
    const pair = split.map((priorities, i) => new DirectorHost(lab, `director${i + 1}`, config(priorities, '', false)))
    await Promise.all(pair.map((director) => director.start()))
    const states = async () =>
      Promise.all(pair.map(async (each) => (await each.status()).instances.map(({ state }) => state).join(' ')))
    await until('active-active', async () => String(await states()) === 'master backup,backup master')
    const put = async (which: (i: number) => string) => {
      for (const [i, director] of pair.entries()) {
        director.configure(which(i))
        expect(await director.reload()).toEqual([])
      }
    }
    await put((i) => config(split[i] ?? [1, 1], 'nopreempt', false))
    const events = await Promise.all(pair.map(({ host }) => AddressEvents.start(lab, host)))
    await put((i) => config(grouped[i] ?? [1, 1], 'nopreempt', true))
    const together = ['master master', 'backup backup']
    const one = async () => String((await states()).toSorted()) === String(together.toSorted())
    await until('one master of all', one)
    const [owner, other] = (await states())[0] === 'master master' ? pair : pair.toReversed()
    await until('the other to have no address', () => !VIPS.some((vip) => other?.addresses().includes(vip)))
    expect(owner?.addresses()).toEqual(expect.arrayContaining([...VIPS]))
    // What the owner had at the beginning it has had all the time.
    const own = events[pair.findIndex((each) => each === owner)]
    expect(own?.list().filter((each) => each.startsWith('deleted'))).toEqual([])
    expect(await one()).toBe(true)
  },
)
