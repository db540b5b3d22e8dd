import { describe, expect, test } from 'vitest'
import { type Decoder, RequestError, THE_REQUEST } from '../../src/control/decode.ts'
import { changeRequest, filterRequest, timeoutsRequest, traceRequest, zeroRequest } from '../../src/control/requests.ts'
import { parse } from '../cli/ipvsadm-lines.ts'

/** What a request comes to on the other side of the socket. */
const decode = <T>(decoder: Decoder<T>, value: unknown): T =>
  decoder(value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown), THE_REQUEST)
const refusal = (decoder: Decoder<unknown>, value: unknown): string => {
  try {
    decode(decoder, value)
  } catch (error) {
    if (error instanceof RequestError) return error.message
    throw error
  }
  return 'taken'
}
const command = (line: string) => {
  const request = parse(line)
  if (request.type !== 'change') throw new Error(`${line} changes nothing`)
  return request.command
}

test('every kind of command that ipvsadm sends arrives as it was sent', () => {
  const commands = [
    '-A -t 10.0.0.100:0 -s sh -p 600 -M 255.255.255.0 -b sh-fallback,sh-port',
    '-A -u 10.0.0.100:5060 -s rr -p 60 --pe sip -o',
    '-E -t [fd00::100]:443 -s mh',
    '-A -f 7 -6',
    '-D -f 7 -6',
    '-C',
    '-a -t 10.0.0.100:80 -r 192.168.1.11 -g -w 0 -x 10 -y 5',
    '-a -t 10.0.0.100:80 -r 192.168.1.12:8080 -m',
    '-a -t 10.0.0.100:80 -r 192.168.1.13:80 --fullnat',
    '-a -t 10.0.0.100:80 -r fd00::1 -i --tun-type gue --tun-port 6080 --tun-remcsum',
    '-e -t 10.0.0.100:80 -r 192.168.1.14 -i --tun-type gre --tun-csum',
    '-d -t 10.0.0.100:80 -r 192.168.1.14',
  ].map(command)
  const { commands: arrived } = decode(changeRequest, { commands })
  expect(JSON.parse(JSON.stringify(arrived))).toEqual(JSON.parse(JSON.stringify(commands)))
})

describe('a control request that is not valid is refused with the name of the field', () => {
  const vip = { address: '10.0.0.100', port: 80 }
  const id = { by: 'address', vip, protocol: 'TCP' }
  const service = { id, scheduler: 'rr', flags: { port: false, fallback: false, third: false }, onePacket: false }
  const server = {
    endpoint: { address: '192.168.1.11', port: 80 },
    forwarding: { method: 'NAT' },
    weight: 1,
    thresholds: { upper: 0, lower: 0 },
  }
  const add = (change: object) => ({ commands: [{ type: 'add-service', service: { ...service, ...change } }] })
  const place = (change: object) => ({ commands: [{ type: 'add-server', id, server: { ...server, ...change } }] })
  const packet = { protocol: 'TCP', client: vip, virtual: vip }

  test('the valid requests that these are made from are accepted', () => {
    expect(refusal(changeRequest, add({}))).toBe('taken')
    expect(refusal(changeRequest, place({}))).toBe('taken')
    expect(refusal(timeoutsRequest, { timeouts: { tcp: 0, tcpFin: 1, udp: 2_678_400 } })).toBe('taken')
    expect(refusal(traceRequest, { packet, mark: 0 })).toBe('taken')
    expect(refusal(zeroRequest, {})).toBe('taken')
  })

  test.each<[string, Decoder<unknown>, unknown, string]>([
    [
      'negative',
      timeoutsRequest,
      { timeouts: { tcp: -1, tcpFin: 1, udp: 1 } },
      'timeouts.tcp must be a whole number from 0 to 2678400; it is -1',
    ],
    ['too great', timeoutsRequest, { timeouts: { tcp: 1, tcpFin: 1e300, udp: 1 } }, 'timeouts.tcpFin must be a whole'],
    [
      'a text',
      timeoutsRequest,
      { timeouts: { tcp: 1, tcpFin: 1, udp: 'x' } },
      'timeouts.udp must be a whole number from 0 to 2678400; it is "x"',
    ],
    ['a fraction', timeoutsRequest, { timeouts: { tcp: 1.5, tcpFin: 1, udp: 1 } }, 'timeouts.tcp must be a whole'],
    [
      'missing',
      timeoutsRequest,
      { timeouts: { tcp: 1, tcpFin: 1 } },
      'timeouts.udp must be a whole number from 0 to 2678400; it is missing',
    ],
    [
      'misspelt',
      timeoutsRequest,
      { timeouts: { tcp: 1, tcpFin: 1, udp: 1, upd: 1 } },
      'timeouts.upd is not known here',
    ],
    ['nothing', timeoutsRequest, undefined, 'the request must be an object; it is missing'],
    ['a list', timeoutsRequest, [], 'the request must be an object; it is []'],
    ['null', timeoutsRequest, { timeouts: null }, 'timeouts must be an object; it is null'],
    ['no list', changeRequest, { commands: {} }, 'commands must be a list of at most 1000; it is {}'],
    [
      'too many',
      changeRequest,
      { commands: Array.from({ length: 1001 }, () => ({ type: 'flush' })) },
      'commands must be a list of at most 1000',
    ],
    [
      'an unknown command',
      changeRequest,
      { commands: [{ type: 'flush' }, { type: 'format' }] },
      'commands[1].type must be one of add-service, edit-service',
    ],
    [
      'a name of every object',
      changeRequest,
      { commands: [{ type: 'constructor' }] },
      'commands[0].type must be one of',
    ],
    [
      'no address',
      changeRequest,
      place({ endpoint: { address: 'rs1', port: 80 } }),
      'commands[0].server.endpoint.address must be an IPv4 or IPv6 address; it is "rs1"',
    ],
    [
      'a port',
      changeRequest,
      place({ endpoint: { ...vip, port: 65_536 } }),
      'commands[0].server.endpoint.port must be',
    ],
    [
      'a weight',
      changeRequest,
      place({ weight: -1 }),
      'commands[0].server.weight must be a whole number from 0 to 2147483647',
    ],
    [
      'a method',
      changeRequest,
      place({ forwarding: { method: 'MAGIC' } }),
      'commands[0].server.forwarding.method must be one of NAT, FNAT, DR, TUN',
    ],
    [
      'no tunnel',
      changeRequest,
      place({ forwarding: { method: 'TUN' } }),
      'commands[0].server.forwarding.tunnel must be an object; it is missing',
    ],
    ['a scheduler', changeRequest, add({ scheduler: 'best' }), 'commands[0].service.scheduler must be one of rr'],
    [
      'a prefix',
      changeRequest,
      add({ persistence: { timeoutSeconds: 1, clientPrefix: 33 } }),
      'commands[0].service must be one of IPv4 with a clientPrefix of at most 32',
    ],
    [
      'an id',
      zeroRequest,
      { id: { by: 'fwmark', mark: 0, family: 'inet' } },
      'id.mark must be a whole number from 1 to 4294967295',
    ],
    ['a mark', traceRequest, { packet, mark: -1 }, 'mark must be a whole number from 0 to 4294967295'],
    [
      'two families',
      traceRequest,
      { packet: { ...packet, client: { address: '::1', port: 1 } }, mark: 0 },
      'packet must be between two addresses of one family',
    ],
    [
      'a protocol',
      traceRequest,
      { packet: { ...packet, protocol: 'SCTP' }, mark: 0 },
      'packet.protocol must be one of TCP, UDP',
    ],
    [
      'a network',
      filterRequest,
      { filter: { client: { address: '10.0.0.0', prefix: 33 } } },
      'filter.client must be a network whose prefix is at most 32',
    ],
    [
      'a state',
      filterRequest,
      { filter: { state: 'x'.repeat(1000) } },
      'filter.state must be one of NONE, ESTABLISHED,',
    ],
    ['a misspelt filter', filterRequest, { filter: { sever: vip } }, 'filter.sever is not known here'],
    ['no filter', filterRequest, {}, 'filter must be an object; it is missing'],
  ])('%s', (_name, decoder, value, message) => {
    expect(refusal(decoder, value)).toContain(message)
  })
})
