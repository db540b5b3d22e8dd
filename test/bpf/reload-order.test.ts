import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BpfMap } from '../../src/linux/libbpf.ts'
import { type Scheduler, type SchedulerFlags, SCHEDULERS } from '../../src/model/service.ts'
import { ip } from '../vrrp/instances.ts'
import { Bench } from './bench.ts'

/** How a service picks its servers. */
interface Way {
  readonly scheduler: Scheduler
  readonly schedulerFlags: SchedulerFlags
}

/** Those that have servers. */
const WITH_SERVERS = SCHEDULERS.filter((scheduler) => scheduler !== 'none')
const NO_FLAGS: SchedulerFlags = { port: false, fallback: false, third: false }
/** Every scheduler that has servers, and the two whose flags change what they pick with these. */
const WAYS: readonly Way[] = [
  ...WITH_SERVERS.map((scheduler) => ({ scheduler, schedulerFlags: NO_FLAGS })),
  ...(['sh', 'mh'] as const).flatMap((scheduler) =>
    [false, true].map((port) => ({ scheduler, schedulerFlags: { port, fallback: true, third: false } })),
  ),
]
const nameOf = ({ scheduler, schedulerFlags: { port, fallback } }: Way) =>
  `${scheduler}${port ? ' port' : ''}${fallback ? ' fallback' : ''}`

/** What else changes with the scheduler; weights by server, the first one being A. `ovf` turns no client of this test away. */
const CHANGES: readonly { readonly name: string; readonly weights: readonly [number[], number[]] }[] = [
  {
    name: 'nothing',
    weights: [
      [5000, 10_000],
      [5000, 10_000],
    ],
  },
  {
    name: 'the weights',
    weights: [
      [5000, 10_000],
      [10_000, 5000],
    ],
  },
  {
    name: 'the servers',
    weights: [
      [5000, 10_000],
      [0, 0, 5000, 10_000],
    ],
  },
  {
    name: 'who is quiesced',
    weights: [
      [5000, 0],
      [0, 5000],
    ],
  },
]
/** Hashes turn those away whose server is quiesced, as IPVS's do. */
const turnsAway = ({ scheduler, schedulerFlags }: Way) =>
  scheduler === 'dh' || ((scheduler === 'sh' || scheduler === 'mh') && !schedulerFlags.fallback)

const PERSISTENCE = { timeoutSeconds: 60, clientPrefix: 24 }
const ACCESS = [{ verdict: 'allow', address: ip('10.0.0.0'), length: 8 }] as const

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => {
  vi.restoreAllMocks()
  bench.close()
})

let clients = 0
/** New clients that find no server. */
function refused(): number {
  let count = 0
  for (let i = 0; i < 4; i++) {
    clients++
    const from = `10.7.${(clients >> 8) & 255}.${clients & 255}`
    if (bench.pick(1024 + (clients % 60_000), from) === '-') count++
  }
  return count
}

/** Calls back after every single write to a map of the core. */
function afterEachWrite(look: () => void): void {
  for (const method of ['update', 'updateAll', 'delete'] as const) {
    const original = BpfMap.prototype[method] as (this: BpfMap, ...args: unknown[]) => void
    vi.spyOn(BpfMap.prototype, method).mockImplementation(function (this: BpfMap, ...args: unknown[]) {
      original.apply(this, args)
      look()
    })
  }
}

function lay(way: Way, weights: readonly number[], others: boolean): void {
  const servers = weights.flatMap((weight, i) => {
    // A server of a new list only.
    if (weight === 0 && weights.length > 2) return []
    const endpoint = { address: ip(`192.168.1.${11 + i}`), port: 8080 }
    return [
      { endpoint, forwarding: { method: 'NAT' as const }, weight, fullWeight: 1, thresholds: { upper: 0, lower: 0 } },
    ]
  })
  bench.lay(servers, {
    ...way,
    ...(others ? { persistence: PERSISTENCE, access: ACCESS, idleSeconds: 60 } : {}),
  })
}

test.each(CHANGES)(
  'a client finds a server after every write of a reload that changes the scheduler and $name',
  ({ weights: [before, after] }) => {
    const able = before.includes(0) ? WAYS.filter((way) => !turnsAway(way)) : WAYS
    const lost: string[] = []
    let [now, writes] = ['', 0]
    afterEachWrite(() => {
      writes++
      const count = now === '' ? 0 : refused()
      if (count > 0) lost.push(`${now}, write ${writes}: ${count}`)
    })
    for (const [step, { from, to }] of everyOrderedPair(able).entries()) {
      now = from === undefined ? '' : `${nameOf(from)} to ${nameOf(to)}`
      writes = 0
      lay(to, step % 2 === 0 ? before : after, step % 2 === 0)
      expect(writes).toBeGreaterThan(2)
      if (step % 50 === 0) bench.wait(2000).core.sweep()
    }
    expect(lost).toEqual([])
  },
  120_000,
)

/** A walk that goes from each way to each other one. The first step comes from nowhere. */
function everyOrderedPair(ways: readonly Way[]): { readonly from: Way | undefined; readonly to: Way }[] {
  const walk = ways.flatMap((way, i) => [way, ...ways.slice(i + 2).flatMap((other) => [other, way])])
  return [...walk, ...ways.toReversed().slice(1)].map((to, i, all) => ({ from: all[i - 1], to }))
}

test('the flags of a scheduler and its servers change at once', () => {
  const port: Way = { scheduler: 'sh', schedulerFlags: { port: true, fallback: false, third: false } }
  const noPort: Way = { scheduler: 'sh', schedulerFlags: { port: false, fallback: false, third: false } }
  const ports = [...Array(64).keys()].map((i) => 2000 + i)
  const picks = (first: number) => ports.map((each) => bench.pick(first + each)).join('')
  lay(noPort, [1, 1], false)
  expect(new Set(picks(0)).size).toBe(1)
  lay(port, [1, 1], false)
  expect(new Set(picks(100)).size).toBe(2)
})
