import { describe, expect, test } from 'vitest'
import { Bench, backup, instance, master, takesOverAfter } from './bench.ts'
import type { Said } from './bytes.ts'

/** RFC 3768 (version 2), where it says something else than RFC 9568: a test for each statement, by its number and its section. */

const V2 = 'version 2\npriority 100'
const v2 = (lines = '') => instance(`${V2}\n${lines}`)
const withPassword = v2('authentication {\nauth_type PASS\nauth_pass secret\n}')

const isDiscarded = (said: Said, text = v2()) => {
  const bench = master(text).hear({ version: 2, ...said })
  return bench.state() === 'master' && bench.sent.length === 0
}

describe('what is sent (§5.3)', () => {
  test('9: authentication type, interval in seconds, eight bytes behind the addresses; the checksum covers all of the message', () => {
    const [advert] = master(v2('advert_int 3')).pass(4000).sent
    expect(advert).toMatchObject({
      version: 2,
      type: 1,
      interval: 3,
      authType: 0,
      count: 1,
      length: 20,
      checksum: 'message',
    })
  })

  test('10 §5.3.6, §5.3.10: with type 0 the data is zero, and ignored on receipt', () => {
    expect(master(v2()).pass(1500).sent[0]?.tail).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(isDiscarded({ authData: 'whatever' })).toBe(false)
  })
})

describe('what is taken (§7.1)', () => {
  // Else they are taken by an owner, too, so that two owners do not both stay (erratum 8298 of RFC 9568).
  test('27: an owner discards every advert, where it is to (owner_ignore_adverts)', () => {
    const own = [{ address: '10.0.0.2' as never, prefix: 24, primary: true, tentative: false }]
    const bench = new Bench(instance('version 2\npriority 255\nowner_ignore_adverts', '10.0.0.2/24'), { own }).clear()
    bench.hear({ version: 2, priority: 255, source: '10.0.0.9', addresses: ['10.0.0.2'] })
    expect(bench.state()).toBe('master')
  })

  test('33: only with the interval that is configured here', () => {
    for (const interval of [0, 2, 255]) expect(isDiscarded({ interval, priority: 254 })).toBe(true)
    expect(isDiscarded({ priority: 254 })).toBe(false)
  })

  test('34: only with the authentication that is configured here', () => {
    for (const authType of [1, 2, 7, 255]) expect(isDiscarded({ authType, priority: 254 })).toBe(true)
    for (const authType of [0, 2, 7])
      expect(isDiscarded({ authType, authData: 'secret', priority: 254 }, withPassword)).toBe(true)
    expect(isDiscarded({ authType: 1, authData: 'other', priority: 254 }, withPassword)).toBe(true)
    expect(isDiscarded({ authType: 1, authData: 'secret', priority: 254 }, withPassword)).toBe(false)
  })

  test('35: another list of addresses may be refused, and never that of an owner; here it is, unless told otherwise', () => {
    expect(isDiscarded({ addresses: ['10.0.0.77'], priority: 254 })).toBe(true)
    expect(isDiscarded({ addresses: ['10.0.0.77'], priority: 254 }, v2('skip_check_adv_addr'))).toBe(false)
    expect(isDiscarded({ addresses: ['10.0.0.77'], priority: 255 })).toBe(false)
  })
})

describe('timers (§6.1) and states (§6.4)', () => {
  test.each([
    [1, 1],
    [100, 1],
    [100, 3],
    [254, 2],
  ])(
    '39 version 2, priority %i, interval %i s: 3 intervals and (256 - priority) / 256 of a second',
    (priority, interval) => {
      const down = 3000 * interval + (1000 * (256 - priority)) / 256
      const bench = new Bench(instance(`version 2\npriority ${priority}\nadvert_int ${interval}`)).until(down - 2)
      expect(bench.state()).toBe('backup')
      expect(bench.until(down + 3).state()).toBe('master')
    },
  )

  test('48 §6.4.2: after priority 0 a backup waits for Skew_Time', () => {
    const bench = backup(v2(), { version: 2 }).pass(700).hear({ version: 2, priority: 0 })
    expect(takesOverAfter(bench)).toBeCloseTo((156 * 1000) / 256, -1)
  })

  test('58, 59 §6.4.3: an active answers priority 0 at once, and yields to a higher one', () => {
    const bench = master(v2()).pass(300)
    bench.clear().hear({ version: 2, priority: 0 })
    expect(bench.sent).toHaveLength(1)
    expect(bench.hear({ version: 2, priority: 200 }).state()).toBe('backup')
  })

  test('56 §6.4.3: it says goodbye with priority 0', () => {
    expect(
      master(v2())
        .stop()
        .sent.map(({ priority }) => priority),
    ).toEqual([0])
  })
})
