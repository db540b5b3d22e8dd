import { expect, test } from 'vitest'
import { matchRouters, routerKey } from '../../src/vrrp/router.ts'
import { anInstance, aPeer, ip } from './instances.ts'
import { Story } from './story.ts'

const router = (name: string, vrid: number, device = 'eth0') => ({
  name,
  interface: device,
  family: 4 as const,
  vrid,
})
const matched = (...of: Parameters<typeof matchRouters>) =>
  Object.fromEntries([...matchRouters(...of)].map(([name, old]) => [name, old.name]))

test('a router is known by interface, family and VRID', () => {
  expect(routerKey(router('x', 10))).toBe('eth0 inet 10')
  expect(new Set([router('x', 10), router('x', 11), router('x', 10, 'eth1')].map(routerKey)).size).toBe(3)
  expect(routerKey(router('x', 10))).toBe(routerKey(router('y', 10)))
  expect(routerKey({ ...router('x', 10), family: 6 })).toBe('eth0 inet6 10')
})

test('a router that has another name is the same, and one that has the name of another is not', () => {
  expect(matched([router('x', 10)], [router('z', 10)])).toEqual({ z: 'x' })
  expect(matched([router('x', 10), router('y', 20)], [router('y', 10), router('x', 20)])).toEqual({ y: 'x', x: 'y' })
  expect(matched([router('x', 10)], [router('x', 20)])).toEqual({})
})

test('of several with one VRID each goes on once, by its name where it still has it', () => {
  const old = [router('x', 10), router('y', 10), router('z', 10)]
  expect(matched(old, [router('y', 10), router('w', 10), router('z', 10)])).toEqual({ y: 'y', z: 'z', w: 'x' })
  expect(matched(old, [router('z', 10)])).toEqual({ z: 'z' })
})

test('unicast routers of one VRID keep their own roles when one of them gets another name', () => {
  const unicast = (name: string, last: number) =>
    anInstance({
      name,
      source: ip('10.0.0.1'),
      unicastPeers: [aPeer(`10.0.0.${last}`)],
      addresses: [{ address: ip(`10.0.0.${100 + last}`), prefix: 32, device: 'eth0' }],
    })
  const story = new Story([unicast('x', 2), unicast('y', 3)]).until(4000).advert(200, '10.0.0.3', 1000, 'y').until(5000)
  expect([story.stateOf('x'), story.stateOf('y')]).toEqual(['master', 'backup'])
  story.configure([unicast('z', 2), unicast('y', 3)])
  expect([story.stateOf('z'), story.stateOf('y')]).toEqual(['master', 'backup'])
})

test('a process that follows a dead one knows a master by its router, not by its name', () => {
  const adopted = (name: string, vrid: number) => {
    const story = new Story([anInstance()])
    return story.on({ type: 'adopt', masters: [router(name, vrid)], known: [] }).stateOf()
  }
  expect(adopted('before', 51)).toBe('master')
  expect(adopted('a', 9)).toBe('backup')
})
