import { expect, test } from 'vitest'
import type { FromVrrp, Transition } from '../../../src/daemon/messages.ts'
import { Lateness } from '../../../src/daemon/vrrp/lateness.ts'
import { Outbox } from '../../../src/daemon/vrrp/outbox.ts'

/** A director that takes a message when it is told to. */
class Director {
  readonly heard: string[] = []
  #take: (() => void) | undefined
  #reports = 0
  readonly outbox = new Outbox(
    (message, sent) => {
      this.heard.push(message.type === 'transition' ? message.reason : message.type)
      this.#take = sent
    },
    (): FromVrrp => {
      this.#reports++
      return {
        type: 'instances',
        instances: [],
        sessions: [],
        staticObjects: [],
        lateness: new Lateness().snapshot,
        unknownVrids: [],
      }
    },
  )

  get reports(): number {
    return this.#reports
  }

  /** Takes what waits, until nothing does. */
  listen(): void {
    for (let take = this.#take; take !== undefined; take = this.#take) {
      this.#take = undefined
      take()
    }
  }
}

const transition = (reason: string): Transition => ({
  type: 'transition',
  instance: { name: 'a', interface: 'eth0', family: 4 as const, vrid: 51 },
  from: 'backup',
  to: 'master',
  priority: 100,
  reason,
  at: 0,
})

test('transitions are told in their order, and before the report that they are part of', () => {
  const director = new Director()
  director.outbox.tell(transition('first'))
  director.outbox.report()
  director.outbox.tell(transition('second'))
  expect(director.heard).toEqual(['first'])
  director.listen()
  expect(director.heard).toEqual(['first', 'second', 'instances'])
})

test('changes of priority are told in their order among the transitions', () => {
  const director = new Director()
  const instance = { name: 'a', interface: 'eth0', family: 4 as const, vrid: 51 }
  director.outbox.tell(transition('first'))
  director.outbox.tell({ type: 'priority', instance, state: 'master', priority: 90, at: 0 })
  director.outbox.tell({ type: 'lower-priority', instance, priority: 90, at: 0 })
  director.outbox.tell(transition('second'))
  director.listen()
  expect(director.heard).toEqual(['first', 'priority', 'lower-priority', 'second'])
})

test('that roles are adopted is told behind the transitions, and is not forgotten in a flood of them', () => {
  const director = new Director()
  for (let i = 0; i < 15_000; i++) {
    if (i === 1) director.outbox.adopted()
    director.outbox.tell(transition(`${i}`))
  }
  director.outbox.report()
  director.listen()
  expect(director.heard.slice(-3)).toEqual(['14999', 'adopted', 'instances'])
})

test('of reports only one waits, which says how things are when it is told', () => {
  const director = new Director()
  for (let i = 0; i < 100; i++) director.outbox.report()
  expect(director.reports).toBe(1)
  director.listen()
  expect([director.heard, director.reports]).toEqual([['instances', 'instances'], 2])
})

test('a director that does not listen for long has missed the oldest transitions', () => {
  const director = new Director()
  for (let i = 0; i < 15_000; i++) director.outbox.tell(transition(`${i}`))
  director.listen()
  expect(director.heard).toHaveLength(10_001)
  expect(director.heard.slice(0, 2)).toEqual(['0', '5000'])
  expect(director.heard.at(-1)).toBe('14999')
})

test('it is empty when the last message is taken', async () => {
  const director = new Director()
  await director.outbox.empty()
  director.outbox.tell(transition('last'))
  let isEmpty = false
  const empty = director.outbox.empty().then(() => (isEmpty = true))
  await Promise.resolve()
  expect(isEmpty).toBe(false)
  director.listen()
  await empty
  expect(isEmpty).toBe(true)
})
