import { describe, expect, test } from 'vitest'
import { serviceNews, type ServiceState, stoppedService } from '../../src/notify/services.ts'

/** `a b-` is two servers, the second of them down. */
const service = (servers: string, up: boolean, weight = 1): ServiceState => ({
  name: 'S',
  quorum: { up, quorum: 2, hysteresis: 1, weight },
  servers: servers.split(' ').map((text) => ({ name: text.replace('-', ''), up: !text.endsWith('-'), reason: 'r' })),
})
const lines = (news: ReturnType<typeof serviceNews>) =>
  news.map(
    (each) =>
      `${each.type === 'server' ? each.server : 'quorum'} ${each.up ? 'up' : 'down'}${each.initial ? ' initial' : ''}: ${each.reason}`,
  )

describe('news of a virtual server', () => {
  test('begin with its first states, which are no changes', () => {
    expect(lines(serviceNews(undefined, service('a b-', true, 3), 0))).toEqual([
      'a up initial: r',
      'b down initial: r',
      'quorum up initial: 2+0=2 <= 3',
    ])
  })

  test('with alpha begin without a word about quorum', () => {
    const first = { ...service('a- b-', false, 0), alpha: true }
    expect(lines(serviceNews(undefined, first, 0))).toEqual(['a down initial: r', 'b down initial: r'])
    expect(lines(serviceNews(first, { ...service('a b-', true, 3), alpha: true }, 0))).toEqual([
      'a up: r',
      'quorum up: 2+1=3 <= 3',
    ])
  })

  test('are its servers, then its quorum', () => {
    expect(lines(serviceNews(service('a b', true), service('a- b', false, 0), 0))).toEqual([
      'a down: r',
      'quorum down: 2-1=1 > 0',
    ])
    expect(lines(serviceNews(service('a- b', false), service('a b', true, 3), 0))).toEqual([
      'a up: r',
      'quorum up: 2+1=3 <= 3',
    ])
    expect(serviceNews(service('a', true), service('a', true), 0)).toEqual([])
  })

  test('tell of what a reload adds and takes away', () => {
    expect(lines(serviceNews(service('a b c-', true), service('a d', true), 0))).toEqual([
      'b down: removed from the configuration',
      'd up initial: r',
    ])
    expect(lines(serviceNews(service('a b-', true), undefined, 0))).toEqual([
      'a down: removed from the configuration',
      'quorum down: removed from the configuration',
    ])
    expect(serviceNews(undefined, undefined, 0)).toEqual([])
  })

  test('at a stop are that all that was up is down', () => {
    expect(lines(stoppedService(service('a b-', true), 0))).toEqual([
      'a down: the daemon stops',
      'quorum down: the daemon stops',
    ])
  })
})
