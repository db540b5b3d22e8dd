/**
 * The sockets of the election on eth0 of a host, by themselves: `raw-ip-process.ts 4|6 VRID`. Sends what it is told, and says what has come in
 * by each socket since it was last asked.
 */
import { RawIpSocket, type ReceivedPacket } from '../../src/linux/raw-ip.ts'
import { Rtnetlink } from '../../src/linux/rtnetlink.ts'
import { wallClock } from '../../src/linux/wall-clock.ts'
import { type Address, VRRP_GROUP6 } from '../../src/net/address.ts'
import { VRRP_GROUP } from '../../src/net/ipv4.ts'
import { advertFilter } from '../../src/vrrp/advert-filter.ts'

export type RawIpOrder =
  | {
      readonly type: 'send'
      readonly source: string
      readonly destination: string
      readonly ttl: number
      readonly payload: readonly number[]
      readonly count: number
    }
  | { readonly type: 'read' }
  /** Has room for so many bytes of adverts. */
  | { readonly type: 'room'; readonly bytes: number }

export interface RawIpReading {
  readonly packets: readonly {
    readonly source: string
    readonly destination: string
    readonly ttl: number
    readonly payload: readonly number[]
    /** How long ago the kernel got it, in ms, by its stamp. */
    readonly age: number
  }[]
  readonly lost: number
}

const [family = '', vrid = ''] = process.argv.slice(2)
const link = new Rtnetlink().links().find(({ name }) => name === 'eth0')
if (link === undefined) throw new Error('this host has no eth0')
const listeners = {
  family: family === '6' ? 6 : 4,
  lead: 0,
  vrids: new Set([Number(vrid)]),
  multicast: true,
  unicast: true,
} as const
const common = { protocol: 112, family: listeners.family, device: link, boundTo: undefined }
const sockets = {
  adverts: new RawIpSocket({
    ...common,
    groups: 'own',
    receiveBuffer: 1 << 20,
    filter: advertFilter('adverts', listeners),
  }),
  strays: new RawIpSocket({
    ...common,
    groups: 'any',
    receiveBuffer: 65_536,
    filter: advertFilter('strays', listeners),
  }),
}
sockets.adverts.follow(new Set([listeners.family === 4 ? VRRP_GROUP : VRRP_GROUP6]))

function reading(socket: RawIpSocket): RawIpReading {
  const packets: ReceivedPacket[] = []
  for (let isAll = false; !isAll;) {
    const next = socket.receive(100)
    packets.push(...next.packets)
    isAll = next.isAll
  }
  const now = wallClock()
  return {
    packets: packets.map(({ header, payload, stampedAt }) => {
      const { source, destination, ttl } = header
      return { source, destination, ttl, payload: [...payload], age: now - (stampedAt ?? Number.NaN) }
    }),
    lost: socket.lost,
  }
}

process.on('message', (order: RawIpOrder) => {
  switch (order.type) {
    case 'send': {
      const bytes = Uint8Array.from(order.payload)
      let error: Error | undefined
      for (let i = 0; i < order.count; i++) {
        error ??= sockets.adverts.send({
          source: order.source as Address,
          destination: order.destination as Address,
          ttl: order.ttl,
          tos: 0xc0,
          protocol: 112,
          identification: 0,
          payload: bytes,
        })
      }
      process.send?.(error?.message ?? 'sent')
      break
    }
    case 'room':
      sockets.adverts.makeRoom(order.bytes)
      process.send?.('made')
      break
    case 'read':
      process.send?.({ adverts: reading(sockets.adverts), strays: reading(sockets.strays) })
      break
  }
})
process.send?.('ready')
