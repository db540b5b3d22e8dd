import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { limitMillis, promisesOf } from '../../src/drill/promises.ts'
import { millis } from '../../src/time.ts'
import type { Config } from '../../src/model/config.ts'
import { surroundings } from '../support/surroundings.ts'

const configOf = (text: string): Config => {
  const { config } = loadConfig({ name: 'x.conf', text }, surroundings())
  if (config === undefined) throw new Error('this is refused')
  return config
}

const instance = (priority: number, more = '', { version = 3, interval = 1, vrid = 5, name = 'a' } = {}) => `
vrrp_instance ${name} {
  interface eth0
  version ${version}
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int ${interval}
  virtual_ipaddress { 10.0.0.${vrid} }
  ${more}
}`

const pair = (first: string, second: string) => ({ director1: configOf(first), director2: configOf(second) })

describe('a take-over may take', () => {
  const takeover = (first: string, second: string, active: 'director1' | 'director2' = 'director1') =>
    promisesOf(pair(first, second), active).takeover

  test('three adverts of the master and the skew time of the standby in version 3', () => {
    expect(takeover(instance(150), instance(100))).toBeCloseTo((3000 + (156 / 256) * 1000) * 1.05 + 20)
  })

  test('the interval of the master, which the standby learns, in version 3', () => {
    const slow = instance(150, '', { interval: 2 })
    expect(takeover(slow, instance(100))).toBeCloseTo((6000 + (156 / 256) * 2000) * 1.05 + 20)
    expect(takeover(slow, instance(100), 'director2')).toBeCloseTo((3000 + (106 / 256) * 1000) * 1.05 + 20)
  })

  test('a skew time of one second at most, whatever the interval is, in version 2', () => {
    const [first, second] = [150, 100].map((priority) => instance(priority, '', { version: 2, interval: 4 }))
    expect(takeover(first ?? '', second ?? '')).toBeCloseTo((12_000 + (156 / 256) * 1000) * 1.05 + 20)
  })

  test('as many adverts as down_timer_adverts of the standby says', () => {
    expect(takeover(instance(150), instance(100, 'down_timer_adverts 2'))).toBeCloseTo((2000 + 609.375) * 1.05 + 20)
  })

  test('what the slowest instance takes that both have, whatever its name is', () => {
    const first = instance(150) + instance(150, '', { interval: 3, vrid: 6, name: 'b' })
    const second = instance(100) + instance(100, '', { interval: 3, vrid: 6, name: 'c' })
    const foreign = instance(100, '', { interval: 10, vrid: 7, name: 'd' })
    expect(takeover(first, second + foreign)).toBeCloseTo((9000 + (156 / 256) * 3000) * 1.05 + 20)
  })

  test('nothing but the slack where no instance is in both', () => {
    expect(takeover(instance(150), instance(100, '', { vrid: 7 }))).toBe(20)
  })
})

test('a hand-over costs 100 ms', () => {
  expect(promisesOf(pair(instance(150), instance(100)), 'director1').handover).toBe(100)
})

describe('that a server is gone is found', () => {
  const server = (check: string, more = '') => `virtual_server 10.0.0.5 80 {
  delay_loop 1
  protocol TCP
  ${more}
  real_server 192.168.1.11 80 { ${check} }
}`
  const detection = (first: string, second = first) => promisesOf(pair(first, second), 'director1').detection
  const check = (more = '') => `TCP_CHECK {
    connect_timeout 1
    retry 1
    delay_before_retry 0.2
    ${more}
  }`

  test('after the pause, each question, and the time between them: what is measured from a fault to the last connection', () => {
    expect(detection(server(check()))).toBe(1000 + 1 * (200 + 1000) + 1000 + 250)
  })

  test('after as many rounds as fall says, with the fast interval between them', () => {
    expect(detection(server(check('fall 3')))).toBe(3 * (1000 + 2200) + 250)
    expect(detection(server(check('fall 3\nfast_interval 0.5')))).toBe(1000 + 3 * 2200 + 2 * 500 + 250)
  })

  test('by the slowest check of both directors', () => {
    const slow = server('TCP_CHECK { connect_timeout 5\n retry 0 }')
    expect(detection(server(check()), slow)).toBe(1000 + 5000 + 250)
  })

  test('in no time that is promised where nothing is asked over the network', () => {
    expect(detection(server('MISC_CHECK { misc_path "/bin/true" }'))).toBe(250)
  })
})

test('a sum of a duration and promises is as long as all of them', () => {
  const promises = { takeover: millis(3000), handover: millis(100), detection: millis(2000) }
  expect(limitMillis({ plus: millis(50), promised: ['takeover', 'detection'] }, promises)).toBe(5050)
  expect(limitMillis({ plus: millis(50), promised: [] }, promises)).toBe(50)
})
