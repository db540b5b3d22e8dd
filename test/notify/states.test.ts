import { describe, expect, test } from 'vitest'
import {
  type Moved,
  moved,
  noStates,
  type Reload,
  reloaded,
  type States,
  stopped,
  withPriority,
} from '../../src/notify/states.ts'
import type { ToldState } from '../../src/model/telling.ts'

const group = (name: string, ...instances: string[]) => ({ name, instances, tracks: [] })
const reload = (instances: readonly string[], groups: Reload['groups'] = [], more: Partial<Reload> = {}): Reload => ({
  instances,
  groups,
  waiting: new Set(),
  before: new Map(),
  notifyDeleted: new Set(),
  at: 9,
  ...more,
})
const begin = (instances: readonly string[], ...groups: Reload['groups'][number][]): States =>
  reloaded(noStates, reload(instances, groups)).states

/** `a MASTER` as a line of what is told. */
const line = ({ subject, name, from, state }: ToldState) =>
  `${subject === 'GROUP' ? 'GROUP ' : ''}${name} ${from ?? '-'} → ${state}`

/** Takes transitions one by one: `a master`. */
function play(states: States, ...transitions: string[]): { states: States; told: string[] } {
  const told: string[] = []
  for (const text of transitions) {
    const [name = '', to] = text.split(' ')
    const step = moved(states, { name, to: to as Moved['to'], priority: 100, reason: 'r', at: 1 })
    states = step.states
    told.push(...step.news.map(line))
  }
  return { states, told }
}

describe('an instance', () => {
  test('is told each state once, and where it came from', () => {
    const { told } = play(begin(['a']), 'a backup', 'a master', 'a master', 'a fault')
    expect(told).toEqual(['a - → BACKUP', 'a BACKUP → MASTER', 'a MASTER → FAULT'])
  })

  test('that begins anew in a new process is told only when it is in another state than before', () => {
    const { told } = play(begin(['a']), 'a master', 'a init', 'a master', 'a init', 'a backup')
    expect(told).toEqual(['a - → MASTER', 'a MASTER → BACKUP'])
  })

  test('that the configuration does not have is told nothing', () => {
    expect(play(begin(['a']), 'b master').told).toEqual([])
  })
})

describe('a sync group', () => {
  const g = group('G', 'a', 'b')

  test('is told before its members at the start, as keepalived does, and after them later', () => {
    const { told } = play(begin(['a', 'b'], g), 'a backup', 'b backup', 'b master', 'a master', 'a fault', 'b fault')
    expect(told).toEqual([
      'GROUP G - → BACKUP',
      'a - → BACKUP',
      'b - → BACKUP',
      'b BACKUP → MASTER',
      'a BACKUP → MASTER',
      'GROUP G BACKUP → MASTER',
      'a MASTER → FAULT',
      'b MASTER → FAULT',
      'GROUP G MASTER → FAULT',
    ])
  })

  test('that begins as master is told after its members', () => {
    expect(play(begin(['a', 'b'], g), 'a master', 'b master').told).toEqual([
      'a - → MASTER',
      'b - → MASTER',
      'GROUP G - → MASTER',
    ])
  })

  test('keeps nobody else waiting', () => {
    expect(play(begin(['a', 'b', 'c'], g), 'a backup', 'c backup', 'c master').told).toEqual([
      'c - → BACKUP',
      'c BACKUP → MASTER',
    ])
  })

  test('a member that goes on before the others are there is told its newest state', () => {
    expect(play(begin(['a', 'b'], g), 'a backup', 'a fault', 'b fault').told).toEqual([
      'GROUP G - → FAULT',
      'a - → FAULT',
      'b - → FAULT',
    ])
  })
})

test('a group that waits for a script is told behind its members', () => {
  const waiting = reload(['b', 'c'], [group('G', 'b', 'c')], { waiting: new Set(['G']) })
  const { told } = play(reloaded(noStates, waiting).states, 'b backup', 'c backup')
  expect(told).toEqual(['b - → BACKUP', 'c - → BACKUP', 'GROUP G - → BACKUP'])
})

describe('a reload', () => {
  const { states } = play(begin(['a', 'b', 'c'], group('G', 'b', 'c')), 'a master', 'b backup', 'c backup')

  test('tells nothing of what stays', () => {
    const after = reloaded(states, reload(['c', 'a', 'b'], [group('G', 'b', 'c')]))
    expect([...after.removed, ...after.news]).toEqual([])
    expect(play(after.states, 'a master').told).toEqual([])
  })

  test('tells of what is removed as FAULT, or DELETED where that is asked for', () => {
    const { removed } = reloaded(states, reload(['c'], [], { notifyDeleted: new Set(['b']) }))
    expect(removed.map(line)).toEqual(['a MASTER → FAULT', 'b BACKUP → DELETED'])
    const inFault = play(begin(['a']), 'a fault').states
    expect(reloaded(inFault, reload([])).removed).toEqual([])
  })

  test('lets a router go on under another name', () => {
    const after = reloaded(states, reload(['z', 'b', 'c'], [], { before: new Map([['z', 'a']]) }))
    expect(after.removed).toEqual([])
    expect(play(after.states, 'z master', 'z backup').told).toEqual(['z MASTER → BACKUP'])
  })

  test('tells of a new group what its members are, and of who waited for one that is gone', () => {
    const grouped = reloaded(states, reload(['a', 'b', 'c'], [group('H', 'c')]))
    expect(grouped.news.map(line)).toEqual(['GROUP H - → BACKUP'])
    const waiting = play(begin(['a', 'b'], group('G', 'a', 'b')), 'a backup')
    expect(waiting.told).toEqual([])
    expect(reloaded(waiting.states, reload(['a', 'b'])).news.map(line)).toEqual(['a - → BACKUP'])
  })
})

test('a stop is told to all instances, then to all groups, with the priority that each had', () => {
  const { states } = play(begin(['a', 'b'], group('G', 'a', 'b')), 'a backup', 'b backup')
  const told = stopped(withPriority(states, 'b', 70), 5)
  expect(told.map(line)).toEqual(['a BACKUP → STOP', 'b BACKUP → STOP', 'GROUP G BACKUP → STOP'])
  expect(told.map(({ priority }) => priority)).toEqual([100, 70, 0])
})
