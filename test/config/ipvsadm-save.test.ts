import { describe, expect, test } from 'vitest'
import { collectDiagnostics } from '../../src/config/diagnostic.ts'
import { importIpvsadm } from '../../src/config/ipvsadm-save.ts'
import { loadConfig } from '../../src/config/load.ts'
import { surroundings } from '../support/surroundings.ts'

function run(text: string) {
  const { diagnostics, report } = collectDiagnostics()
  const ports: Readonly<Record<string, number>> = { http: 80, domain: 53 }
  const blocks = importIpvsadm({ name: 'rules', text }, (name) => ports[name], report)
  return { blocks, messages: diagnostics.map(({ at, message }) => `${text.slice(at.start, at.end)}: ${message}`) }
}

test('the blocks read well', () => {
  const { blocks, messages } = run(
    '-A -t 10.0.0.100:80 -s wrr -p 360\n-a -t 10.0.0.100:80 -r 192.168.1.11:8080 -m -w 3\n-a -t 10.0.0.100:80 -r 192.168.1.12:80 -g -w 1\n',
  )
  expect(messages).toEqual([])
  expect(blocks).toBe(`virtual_server 10.0.0.100 80 {
  protocol TCP
  persistence_timeout 360
  lvs_sched wrr
  lvs_method NAT
  real_server 192.168.1.11 8080 {
    weight 3
  }
  real_server 192.168.1.12 80 {
    lvs_method DR
    weight 1
  }
}
`)
})

/** What ipvsadm 1.31 writes for services of every kind. */
const saved = `# comment
-A -t 10.0.0.100:0 -s sh -p 600 -M 255.255.255.0 -b sh-fallback,sh-port
-a -t 10.0.0.100:0 -r 192.168.1.11:0 -m -w 1
-A -t 10.0.0.100:http -s wlc
-a -t 10.0.0.100:http -r 192.168.1.11:http -g -w 1
-a -t 10.0.0.100:http -r 192.168.1.12:8080 -m -w 5
-a -t 10.0.0.100:http -r 192.168.1.13:80 -i -w 2 --tun-type ipip
-A -t 10.0.0.100:8080 -s mh -b mh-port
-a -t 10.0.0.100:8080 -r 192.168.1.21:8080 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 10.0.0.100:8080 -r 192.168.1.24:8080 -i -w 1 --tun-type gre --tun-csum
-A -u 10.0.0.100:53 -s rr -o
-A -u 10.0.0.100:5060 -s rr -p 60 --pe sip
-A --sctp-service 10.0.0.100:3868 -s mh -b mh-port
-A -t [fd00::100]:80 -s wlc
-a -t [fd00::100]:80 -r [fd00::11]:80 -g -w 1
-A -f 10 -s lblc
-a -f 10 -r 192.168.1.11:0 -g -w 1
-A -f 11 -6 -s rr -p 120 -M 64
`

test('everything that ipvsadm-save writes is read back as it was', () => {
  const { blocks, messages } = run(saved)
  expect(messages).toEqual([])
  const { settings, diagnostics } = loadConfig({ name: 'x', text: blocks }, surroundings())
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  const services = settings.virtual_server.map(({ id, lvs_sched: scheduler, real_server: servers }) => [
    id.by === 'address' ? `${id.address} ${id.port ?? 0}` : id.by === 'fwmark' ? id.fwmark : '',
    scheduler,
    servers.map((server) => `${server.id.address} ${server.id.port ?? 0} ${server.weight}`),
  ])
  expect(services).toEqual([
    ['10.0.0.100 0', 'sh', ['192.168.1.11 0 1']],
    ['10.0.0.100 80', 'wlc', ['192.168.1.11 80 1', '192.168.1.12 8080 5', '192.168.1.13 80 2']],
    ['10.0.0.100 8080', 'mh', ['192.168.1.21 8080 1', '192.168.1.24 8080 1']],
    ['10.0.0.100 53', 'rr', []],
    ['10.0.0.100 5060', 'rr', []],
    ['10.0.0.100 3868', 'mh', []],
    ['fd00::100 80', 'wlc', ['fd00::11 80 1']],
    [10, 'lblc', ['192.168.1.11 0 1']],
    [11, 'rr', []],
  ])
  expect(settings.virtual_server[0]).toMatchObject({
    persistence_timeout: { value: 600 },
    persistence_granularity: 24,
    'sh-fallback': true,
    'sh-port': true,
  })
  expect(
    settings.virtual_server[2]?.real_server[0]?.lvs_method ?? settings.virtual_server[2]?.lvs_method,
  ).toMatchObject({
    method: 'TUN',
    type: 'gue',
    port: 6080,
    nocsum: true,
  })
})

describe('what has no equivalent is told with its place', () => {
  test.each([
    ['-A -t 10.0.0.100:21 -s none', '-s: a service without a scheduler'],
    ['-A -t example.com:80 -s rr', 'example.com:80: expected an address'],
    ['-A -t 10.0.0.1:nonsense', '10.0.0.1:nonsense: expected a port'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.2:80', '-a: this service was not added before'],
    ['-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -w 1', '-a: expected `-r`'],
    ['-A -t 10.0.0.1:80 --what', '--what: no option of `-A`'],
    ['-D -t 10.0.0.1:80', '-D: expected `-A` or `-a`'],
    ['-A -f x', 'x: expected a firewall mark'],
    ['-A', '-A: expected a service'],
  ])('%j', (text, message) => expect(run(text).messages.join('\n')).toContain(message))
})
