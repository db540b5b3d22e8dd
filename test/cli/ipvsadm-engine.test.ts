import { expect, test } from 'vitest'
import { connectionLine, connectionTitle, formatSave, formatServices } from '../../src/ipvsadm/format.ts'
import { numbers } from '../../src/ipvsadm/names.ts'
import { address } from '../bpf/packets.ts'
import { listed, options, parse } from './ipvsadm-lines.ts'

/** The persistence engine in the texts of a real ipvsadm 1.31. */
const sip = () => listed('-A -u 10.0.0.100:5060 -s rr -p 60 --pe sip', '-a -u 10.0.0.100:5060 -r 192.168.1.11 -m')

test('the persistence engine is listed behind the persistence time-out', () => {
  expect(formatServices(sip(), options(), numbers)).toContain('\nUDP  10.0.0.100:5060 rr persistent 60 pe sip\n')
})

test('the persistence engine is saved', () => {
  expect(formatSave(sip(), numbers)).toBe(`-A -u 10.0.0.100:5060 -s rr -p 60 --pe sip
-a -u 10.0.0.100:5060 -r 192.168.1.11:5060 -m -w 1
`)
})

test('a persistence engine other than sip is not known', () => {
  expect(parse('-A -u 10.0.0.100:5060 -s rr -p 60 --pe nosuch')).toEqual({
    type: 'unknown-scheduler',
    command: 'add-service',
    option: 'pe',
    id: { by: 'address', vip: { address: '10.0.0.100', port: 5060 }, protocol: 'UDP' },
  })
})

test('the data of the persistence engine stand at the end of the list of connections', () => {
  const end = (text: string, port: number) => ({ address: address(text), port })
  const virtual = end('10.0.0.100', 5060)
  const connection = {
    protocol: 'UDP' as const,
    state: 'UDP' as const,
    expiresSeconds: 299,
    client: end('10.0.6.1', 6001),
    virtual,
    destination: end('192.168.1.12', 5060),
  }
  const template = {
    ...connection,
    state: 'NONE' as const,
    expiresSeconds: 59,
    client: end('10.0.6.2', 0),
    destination: end('192.168.1.11', 5060),
    callId: 'aaaa@host1',
  }
  const lines = (engines: boolean) =>
    connectionTitle(engines) + [connection, template].map((each) => connectionLine(each, numbers, engines)).join('')
  expect(lines(true)).toBe(`IPVS connection entries
pro expire state       source             virtual            destination        pe name          pe_data
UDP 04:59  UDP         10.0.6.1:6001      10.0.0.100:5060    192.168.1.12:5060
UDP 00:59  NONE        10.0.6.2:0         10.0.0.100:5060    192.168.1.11:5060 sip                aaaa@host1
`)
  expect(lines(false)).not.toContain('sip')
})
