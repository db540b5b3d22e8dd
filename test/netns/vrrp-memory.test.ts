import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryPath } from '../../src/daemon/vrrp/address-memory.ts'
import { AddressEvents } from '../support/address-events.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** What a director has put on its host is known although its file says something else by now. */
let lab: Lab
let director: DirectorHost
let memory: string

beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  for (const i of [1, 2]) lab.addHost(`director${i}`, [{ switch: 'lan', address: `10.0.100.${i}/16` }])
  director = new DirectorHost(lab, 'director1', instance('x', 10, ['10.0.0.6/16']))
  memory = memoryPath(lab.directorName('director1'))
})
afterEach(() => lab.destroy())

function instance(name: string, vrid: number, vips: readonly string[], priority = 150): string {
  return `vrrp_instance ${name} {
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  version 3
  priority ${priority}
  advert_int 0.3
  vip_lease 0
  virtual_ipaddress {
    ${vips.join('\n    ')}
  }
}
`
}

const BROKEN = 'vrrp_instance x {\n  interface\n'
const has = (address: string) => director.addresses().includes(address)

async function crash(): Promise<void> {
  await director.start()
  await director.untilState('master')
  const { processes } = await director.status()
  await director.killAll()
  await until('all processes to end', () => processes.every(({ pid }) => !existsSync(`/proc/${pid}`)))
  expect(has('10.0.0.6')).toBe(true)
}

test('the memory says interface, address, prefix length and router, and is gone with the last address', async () => {
  await director.start()
  await director.untilState('master')
  const { addresses } = JSON.parse(readFileSync(memory, 'utf8')) as { addresses: unknown }
  expect(addresses).toEqual([{ interface: 'eth0', address: '10.0.0.6', prefix: 16, router: 'vrid 10 on eth0' }])
  director.configure(instance('x', 10, ['10.0.0.7/16']))
  await director.reload()
  await until('the other address', () => has('10.0.0.7') && !has('10.0.0.6'))
  expect(readFileSync(memory, 'utf8')).not.toContain('10.0.0.6')
  director.configure('')
  await director.reload()
  await until('no address', () => !has('10.0.0.7'))
  await until('no memory', () => !existsSync(memory))
})

describe('after a crash', () => {
  test.each([
    ['is broken', () => director.configure(BROKEN)],
    ['is missing', () => rmSync(director.file)],
    ['has other addresses', () => director.configure(instance('x', 10, ['10.0.0.7/16']))],
    ['is empty', () => director.configure('')],
  ])('--release removes the addresses when the file %s', async (_name, change) => {
    await crash()
    change()
    director.release()
    expect(has('10.0.0.6')).toBe(false)
    expect(existsSync(memory)).toBe(false)
  })

  test('the next start removes what is not wanted any more, and nothing else', async () => {
    director.configure(instance('x', 10, ['10.0.0.6/16', '10.0.0.8/16']))
    await crash()
    lab.run('director1', ['ip', 'address', 'add', '10.0.0.9/16', 'dev', 'eth0'])
    const events = await AddressEvents.start(lab, 'director1')
    director.configure(instance('x', 10, ['10.0.0.8/16']))
    await director.start()
    await until('the old address to go', () => !has('10.0.0.6'))
    await director.untilState('master')
    await until('the kernel to say so', () => events.list().includes('deleted 10.0.0.6/16'))
    expect(events.list().filter((each) => each.startsWith('deleted'))).toEqual(['deleted 10.0.0.6/16'])
    expect(has('10.0.0.8') && has('10.0.0.9')).toBe(true)
  })

  test('a memory that is broken or of another boot is said, and nothing is removed by it', async () => {
    await crash()
    const good = readFileSync(memory, 'utf8')
    const other = good.replace(/"boot": "[^"]*"/, '"boot": "another"')
    director.configure('')
    for (const [text, why] of [
      [other, 'it is of another boot'],
      ['{"addresses": [{}]}', 'what is {}?'],
      ['garbage', 'ignored'],
    ] as const) {
      writeFileSync(memory, text)
      await director.start()
      await until('the log to say so', () => director.logText().includes(why))
      expect(has('10.0.0.6')).toBe(true)
      await director.stop()
    }
  })
})

test('--release takes nothing from a daemon that runs', async () => {
  await director.start()
  await director.untilState('master')
  const events = await AddressEvents.start(lab, 'director1')
  expect(() => director.release()).toThrow(/a tanistd named \S+ is running; stop it first/)
  lab.run('director1', ['ip', 'address', 'add', '10.0.0.9/16', 'dev', 'eth0'])
  await until('the kernel to say so', () => events.list().includes('added 10.0.0.9/16'))
  expect(events.list().filter((each) => each.startsWith('deleted'))).toEqual([])
})

test('what the host had by itself stays when the configuration does not list it any more', async () => {
  lab.run('director1', ['ip', 'address', 'add', '10.0.0.7/16', 'dev', 'eth0'])
  director.configure(instance('x', 10, ['10.0.0.6/16', '10.0.0.7/16']))
  await director.start()
  await director.untilState('master')
  director.configure(instance('x', 10, ['10.0.0.8/16']))
  await director.reload()
  await until('the new address alone', () => has('10.0.0.8') && !has('10.0.0.6'))
  expect(has('10.0.0.7')).toBe(true)
})

test('a backup does not have the address of an instance that a reload brings', async () => {
  const other = new DirectorHost(lab, 'director2', instance('x', 10, ['10.0.0.6/16'], 100))
  const both = [director, other]
  await Promise.all(both.map((each) => each.start()))
  await director.untilState('master')
  await other.untilState('backup')
  for (const [i, each] of both.entries()) {
    lab.run(each.host, ['ip', 'address', 'add', '10.0.0.44/16', 'dev', 'eth0'])
    const priority = i === 0 ? 150 : 100
    each.configure(instance('x', 10, ['10.0.0.6/16'], priority) + instance('y', 94, ['10.0.0.44/16'], priority))
    expect(await each.reload()).toEqual([])
  }
  await director.untilState('master')
  await until('the address to go from the backup', () => !other.addresses().includes('10.0.0.44'))
  expect(has('10.0.0.44')).toBe(true)
})

test('reloads that move addresses between instances touch none of them', async () => {
  const [a, b, c] = ['10.0.0.6/16', '10.0.0.7/16', '10.0.0.8/16']
  director.configure(instance('x', 10, [a]) + instance('y', 20, [b, c]))
  await director.start()
  await director.untilState('master')
  const events = await AddressEvents.start(lab, 'director1')
  for (const text of [
    instance('x', 20, [a]) + instance('y', 10, [b, c]),
    instance('x', 20, [b, c]) + instance('y', 10, [a]),
    instance('x', 20, [b]) + instance('y', 10, [a, c]),
    instance('y', 10, [a, b, c]),
    instance('z', 77, [a, b, c]),
  ]) {
    director.configure(text)
    expect(await director.reload()).toEqual([])
    await until('the reload to be in force', async () => {
      const { instances } = await director.status()
      return (
        instances.length === text.split('vrrp_instance').length - 1 &&
        instances.every((each) => text.includes(each.name))
      )
    })
    await director.untilState('master')
  }
  expect(events.list().filter((each) => each.startsWith('deleted'))).toEqual([])
  director.configure(instance('z', 77, ['10.0.0.6/32', b]))
  await director.reload()
  await until('another prefix length', () => events.list().includes('deleted 10.0.0.6/16'))
  const changes = events.list().filter((each) => each.includes('10.0.0.6/'))
  expect(changes.slice(-2)).toEqual(['added 10.0.0.6/32', 'deleted 10.0.0.6/16'])
})

test('with the first address of a subnet the kernel removes the others: those that are wanted are back at once', async () => {
  director.configure(instance('x', 10, ['192.168.7.1/24', '192.168.7.2/24', '192.168.7.3/24']))
  await director.start()
  await director.untilState('master')
  const events = await AddressEvents.start(lab, 'director1')
  director.configure(instance('x', 10, ['192.168.7.2/24', '192.168.7.3/24']))
  expect(await director.reload()).toEqual([])
  await until('the first to go', () => !has('192.168.7.1'))
  await until('the others', () => has('192.168.7.2') && has('192.168.7.3'))
  await until('the kernel to say so', () => events.list().at(-1) === 'added 192.168.7.3/24')
  expect(director.logText()).not.toContain('removed by another program')
})
