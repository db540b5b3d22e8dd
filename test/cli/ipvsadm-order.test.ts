import { describe, expect, test } from 'vitest'
import { parse, refusal } from './ipvsadm-lines.ts'

/** Of several mistakes, what a real ipvsadm says. */
describe('of several mistakes in an ipvsadm line the first one is told', () => {
  test.each<[string, string]>([
    ['-a -t [fd00::1]:80 -r 10.1.0.1 -w 2147483648 -m --tun-type GUE', 'illegal weight specified'],
    ['-E -f 1 -pb nosuch', "invalid timeout value `b' specified"],
    ['-S -f x --mcast-port 1 -u 10.0.0.1:53', "invalid fwmark value `x' specified"],
    ['-E -t [fd00::1]:80 -p 2678401 -M 0', "invalid timeout value `2678401' specified"],
    ['-D -t [fd00::1]:80 --tun-type ipip -w 0x5 --nosuch', 'illegal weight specified'],
    ['-a -t 10.0.0.1:80 -r fd01::2 -m --tun-remcsum', 'Different address family is allowed only for tunneling servers'],
    ['-A -u extra 10.0.0.1:53', 'illegal virtual server address[:port] specified'],
    ['-A -t 10.0.0.2:0 -s mh -b sh-port', "incompatible scheduler flag `sh-port'"],
    ['-D -t 10.0.0.1:80 -b ,sh-port --exact', "incompatible scheduler flag `sh-port'"],
    ['--set 2678400 +60 300 99999999999', 'unexpected argument 99999999999'],
    ['--set 60x 2', "invalid timeout value `60x' specified"],
    ['-a -t 10.0.0.1:80 -r --masquerading -w x', 'illegal real server address[:port] specified'],
  ])('%s', (line, message) => {
    expect(refusal(line)[0]).toBe(message)
  })
})

describe('lines that ipvsadm accepts are accepted', () => {
  const command = (line: string) => {
    const request = parse(line)
    return request.type === 'change' ? request.command : expect.fail(`${line}: ${request.type}`)
  }

  test.each([
    ['10.0.0.1:+80', '10.0.0.1', 80],
    ['10.0.0.1:080', '10.0.0.1', 80],
    ['010.0.0.1:80', '8.0.0.1', 80],
    ['0xa.1:80', '10.0.0.1', 80],
    ['10.1:http', '10.0.0.1', 80],
    ['localhost:80', '127.0.0.1', 80],
    ['[::ffff:10.0.0.1]:80', '::ffff:a00:1', 80],
  ])('-D -t %s: %s, port %i', (text, host, port) => {
    expect(command(`-D -t ${text}`)).toMatchObject({ id: { vip: { address: host, port } } })
  })

  test.each([
    ['-v -n', 'version'],
    ['-h -n', 'help'],
    ['-v --nosuch', 'version'],
    ['-h -A -t x', 'help'],
  ])('%s: %s, and looks no further', (line, type) => {
    expect(parse(line)).toEqual({ type })
  })

  test('a server before its service has no port of it, but for direct routing', () => {
    expect(command('-a -r 10.1.0.1 -t 10.0.0.1:80 -m')).toMatchObject({ server: { endpoint: { port: 0 } } })
    expect(command('-a -t 10.0.0.1:80 -r 10.1.0.1 -m')).toMatchObject({ server: { endpoint: { port: 80 } } })
  })

  test('an IPv6 service forgets a mask that was said before it', () => {
    const persistence = { timeoutSeconds: 60, clientPrefix: 128 }
    expect(command('-A -p 60 -M 255.255.255.0 -t [fd00::1]:80')).toMatchObject({ service: { persistence } })
    expect(command('-A -t [fd00::1]:80 -p 60 -M 64x')).toMatchObject({
      service: { persistence: { ...persistence, clientPrefix: 64 } },
    })
  })
})

test('ipvsadm lines may have clustered letters, attached values, equals signs and an optional value', () => {
  const twice = (a: string, b: string) => expect(parse(a)).toEqual(parse(b))
  twice('-Ln', '--list --numeric')
  twice('-lnc', '-L -n -c')
  twice('-At10.0.0.1:80 -srr', '-A -t 10.0.0.1:80 -s rr')
  twice('--add-service --tcp-service=10.0.0.1:http', '-A -t 10.0.0.1:80')
  twice('-A -t 10.0.0.1:80 -p -s rr', '-A -t 10.0.0.1:80 -p 360 -s rr')
  twice('-A -t 10.0.0.1:80 -p 60 -M 255.255.0', '-A -t 10.0.0.1:80 -p 60 -M 255.255.0.0')
  twice('', '-L')
})
