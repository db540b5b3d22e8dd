import { expect, test } from 'vitest'
import { encodeBfd } from '../../src/bfd/packet.ts'
import { type BfdDatagram, type KnownSession, receiveBfd } from '../../src/bfd/receive.ts'
import type { Address } from '../../src/net/address.ts'
import { aPacket, aSession } from './sessions.ts'

const at = (text: string) => text as Address
const plain: KnownSession = { config: aSession({ name: 'plain' }), session: { discriminator: 5 } }
const datagram = (values: Partial<BfdDatagram> = {}): BfdDatagram => ({
  bytes: encodeBfd(aPacket()),
  source: at('10.0.0.2'),
  destination: at('10.0.0.1'),
  ttl: 255,
  multihop: false,
  ...values,
})
const first = { bytes: encodeBfd(aPacket({ yourDiscriminator: 0 })) }

test('a session is found by its discriminator, and while that is 0 by its addresses', () => {
  expect(receiveBfd(datagram(), [plain])).toEqual({ session: plain, packet: aPacket() })
  expect(receiveBfd(datagram(first), [plain])).toEqual({ session: plain, packet: aPacket({ yourDiscriminator: 0 }) })
  const other = encodeBfd(aPacket({ yourDiscriminator: 6 }))
  expect(receiveBfd(datagram({ bytes: other }), [plain])).toEqual({ session: plain, drop: 'unknown-session' })
})

test('nobody but the neighbour speaks for a session', () => {
  expect(receiveBfd(datagram({ source: at('10.0.0.3') }), [plain])).toEqual({ drop: 'unknown-session' })
  expect(receiveBfd(datagram({ multihop: true }), [plain])).toEqual({ drop: 'unknown-session' })
})

test('two sessions with one neighbour are told apart by their own addresses', () => {
  const knownAs = (source: string, discriminator: number): KnownSession => ({
    config: aSession({ name: source, source: at(source) }),
    session: { discriminator },
  })
  const [one, two] = [knownAs('10.0.0.1', 50), knownAs('10.0.0.9', 51)]
  expect(receiveBfd(datagram({ ...first, destination: at('10.0.0.9') }), [one, two])).toMatchObject({ session: two })
  expect(receiveBfd(datagram({ ...first, destination: at('10.0.0.8') }), [one, two])).toEqual({
    drop: 'unknown-session',
  })
})

test('what has come over a router is refused on one link, and counted for its session', () => {
  expect(receiveBfd(datagram({ ttl: 254 }), [plain])).toEqual({ session: plain, drop: 'ttl' })
  const near: KnownSession = { config: aSession({ leastTtl: 253 }), session: { discriminator: 5 } }
  expect(receiveBfd(datagram({ ttl: 253 }), [near])).toMatchObject({ session: near, packet: {} })
  expect(receiveBfd(datagram({ ttl: 252 }), [near])).toEqual({ session: near, drop: 'ttl' })
})

test('what is malformed is counted for the session of its sender', () => {
  expect(receiveBfd(datagram({ bytes: new Uint8Array(5) }), [plain])).toEqual({ session: plain, drop: 'truncated' })
})
