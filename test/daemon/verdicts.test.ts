import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { checkTasks, Verdicts } from '../../src/daemon/director/verdicts.ts'
import { millis } from '../../src/time.ts'
import { surroundings } from '../support/surroundings.ts'

/** A server with two checkers, and one with one. */
const text = `virtual_server 10.0.0.100 80 {
  protocol TCP
  real_server 10.0.0.11 80 {
    TCP_CHECK {
    }
    HTTP_GET {
      connect_port 8080
      url {
        path /
      }
    }
  }
  real_server 10.0.0.12 80 {
    TCP_CHECK {
    }
  }
}
`
const { config } = loadConfig({ name: 'x.conf', text }, surroundings())
const [server] = config?.virtualServers ?? []
const [two, one] = server?.realServers ?? []
if (config === undefined || server === undefined || two === undefined || one === undefined)
  throw new Error('no servers')
const [tcp = '', http = '', only = ''] = checkTasks(config).map(({ id }) => id)
const duration = millis(3)
const at = (seconds: number) => seconds * 1000
const iso = (seconds: number) => new Date(at(seconds)).toISOString()

test('a failure of another kind is the new reason, and the server is down as long as before', () => {
  const verdicts = new Verdicts()
  expect(verdicts.describe(server, one)).toEqual({ up: true, since: undefined, reason: 'not checked yet' })
  expect(verdicts.take({ id: only, up: true, reason: 'connected', at: at(1), duration })).toBe(false)
  expect(verdicts.take({ id: only, up: false, reason: 'ECONNREFUSED', at: at(5), duration })).toBe(true)
  expect(verdicts.take({ id: only, up: false, reason: 'EHOSTUNREACH', at: at(9), duration })).toBe(false)
  expect(verdicts.describe(server, one)).toEqual({ up: false, since: iso(5), reason: 'EHOSTUNREACH' })
  expect(verdicts.take({ id: only, up: true, reason: 'connected', at: at(12), duration })).toBe(true)
  expect(verdicts.describe(server, one)).toEqual({ up: true, since: iso(12), reason: 'connected' })
})

test('of several checkers those that have failed are named', () => {
  const verdicts = new Verdicts()
  verdicts.take({ id: tcp, up: true, reason: 'connected', at: at(1), duration })
  expect(verdicts.describe(server, two).reason).toBe('TCP_CHECK: connected; HTTP_GET [10.0.0.11]:8080: not checked yet')
  verdicts.take({ id: http, up: false, reason: 'status 503 for /', at: at(2), duration })
  expect(verdicts.isUp(server, two)).toBe(false)
  expect(verdicts.describe(server, two)).toEqual({
    up: false,
    since: iso(2),
    reason: 'HTTP_GET [10.0.0.11]:8080: status 503 for /',
  })
  verdicts.take({ id: tcp, up: false, reason: 'ECONNREFUSED', at: at(3), duration })
  expect(verdicts.describe(server, two)).toEqual({
    up: false,
    since: iso(2),
    reason: 'TCP_CHECK: ECONNREFUSED; HTTP_GET [10.0.0.11]:8080: status 503 for /',
  })
  verdicts.take({ id: http, up: true, reason: 'status 200', at: at(4), duration })
  expect(verdicts.describe(server, two)).toEqual({ up: false, since: iso(3), reason: 'TCP_CHECK: ECONNREFUSED' })
  verdicts.take({ id: tcp, up: true, reason: 'connected', at: at(6), duration })
  expect(verdicts.describe(server, two)).toMatchObject({ up: true, since: iso(6) })
})

test('a server that was down is not up because a new check process could not ask it', () => {
  const verdicts = new Verdicts()
  verdicts.restore([{ id: only, up: false, reason: 'ECONNREFUSED', at: at(5), duration, since: at(5) }])
  expect(verdicts.take({ id: only, up: true, reason: 'EMFILE', at: at(9), duration, notAsked: true })).toBe(false)
  expect(verdicts.describe(server, one)).toEqual({ up: false, since: iso(5), reason: 'EMFILE' })
  expect(verdicts.take({ id: only, up: true, reason: 'connected', at: at(12), duration })).toBe(true)
  expect(verdicts.describe(server, one)).toEqual({ up: true, since: iso(12), reason: 'connected' })
})

test('verdicts of checkers that are gone are forgotten', () => {
  const verdicts = new Verdicts()
  verdicts.take({ id: only, up: false, reason: 'ECONNREFUSED', at: at(5), duration })
  verdicts.keepOnly([])
  expect(verdicts.isUp(server, one)).toBe(true)
})
