import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { AddressMemory, memoryPath } from '../../src/daemon/vrrp/address-memory.ts'
import { ip } from '../vrrp/instances.ts'

const NAME = `tanist-${process.pid}-memory`
const PATH = memoryPath(NAME)
const held = { address: { device: 'eth0', address: ip('10.0.0.100'), prefix: 24 }, router: 'vrid 51 on eth0' }

afterEach(() => rmSync(PATH, { force: true }))

/** What another process finds, and what it complains of. */
function found(): { entries: AddressMemory['entries']; complaints: string[] } {
  const complaints: string[] = []
  const { entries } = new AddressMemory(NAME, ({ message }) => complaints.push(message))
  return { entries, complaints }
}

const remember = () =>
  new AddressMemory(NAME, (error) => {
    throw error
  }).remember([held])

const rewrite = (boot: string) =>
  writeFileSync(PATH, readFileSync(PATH, 'utf8').replace(/"boot": "[^"]*"/, `"boot": "${boot}"`))

test('another process finds what one has remembered', () => {
  remember()
  expect(found()).toEqual({ entries: [held], complaints: [] })
})

test('a daemon in a sandbox that hides the boot, and people outside, find what the other has remembered', () => {
  remember()
  rewrite('unknown')
  expect(found()).toEqual({ entries: [held], complaints: [] })
})

test('what is of another boot is said, and does not count', () => {
  remember()
  rewrite('another')
  expect(found()).toEqual({ entries: [], complaints: [`${PATH} ignored: it is of another boot`] })
})
