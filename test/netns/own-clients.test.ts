import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** The director asks its own virtual servers. (That it gets pages and echoes by every method is in methods.test.ts.) */
const VIP = '10.0.0.100'
const lab = new Lab()
const config = (globals: string) => `${globals}
virtual_server ${VIP} 80 {
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 192.168.1.11 80 {
  }
}
virtual_server ${VIP} 81 {
  lvs_method NAT
  protocol TCP
  allow {
    ${VIP}
  }
  real_server 192.168.1.11 80 {
  }
}
virtual_server ${VIP} 82 {
  lvs_method NAT
  protocol TCP
  deny {
    ${VIP}
  }
  real_server 192.168.1.11 80 {
  }
}
virtual_server ${VIP} 83 {
  lvs_method NAT
  protocol TCP
  through_firewall
  real_server 192.168.1.11 80 {
  }
}
virtual_server ${VIP} 84 {
  lvs_method NAT
  protocol TCP
  real_server 192.168.7.7 80 {
  }
}
virtual_server ${VIP} 85 {
  lvs_method NAT
  protocol TCP
}
virtual_server ${VIP} 90 {
  lvs_method DR
  protocol TCP
  real_server 10.0.0.1 90 {
  }
}
virtual_server ${VIP} 0 {
  lvs_method NAT
  protocol UDP
  persistence_timeout 60
  real_server 192.168.1.11 0 {
  }
}
`
let director: DirectorHost

beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.0.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  // Only reverse paths that are right, as Debian has it: what is translated for this host must pass.
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=1'])
  lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
  lab.addHost('rs11', [{ switch: 'inside', address: '192.168.1.11/24' }], '192.168.1.1')
  await new WebServer(lab, 'rs11').start()
  await once(lab.fork('rs11', 'udp-echo.ts', ['7']), 'message')
  lab.start('director', ['socat', 'TCP4-LISTEN:90,fork,reuseaddr', 'SYSTEM:echo here'])
  director = new DirectorHost(lab, 'director', config(''))
  await director.start()
})
afterAll(() => lab.destroy())

/** What curl says of a port of the virtual server: the page, or the number of its error. */
function get(port: number, ...options: readonly string[]): string {
  const shell = `curl -s -m 3 ${options.join(' ')} http://${VIP}:${port}/ || echo "error $?"`
  return lab.run('director', ['sh', '-c', shell]).trim()
}
const acceptsLocal = () => lab.run('director', ['cat', '/proc/sys/net/ipv4/conf/lo/accept_local']).trim()
const listed = () => director.ipvsadm('ipvsadm -Lnc').stdout
const REFUSED = 'error 7'

test('its connections are in the list and in the counts, once', () => {
  expect([get(80, '--local-port', '40001'), get(80, '--interface', '10.0.0.1', '--local-port', '40002')]).toEqual([
    'rs11',
    'rs11',
  ])
  expect(listed()).toMatch(/TCP \S+ +TIME_WAIT +10\.0\.0\.100:40001 +10\.0\.0\.100:80 +192\.168\.1\.11:80/)
  expect(listed()).toMatch(/TCP \S+ +TIME_WAIT +10\.0\.0\.1:40002 +10\.0\.0\.100:80 +192\.168\.1\.11:80/)
  const [, connections, into] =
    /TCP +10\.0\.0\.100:80 +(\d+) +(\d+)/.exec(director.ipvsadm('ipvsadm -Ln --stats').stdout) ?? []
  expect([Number(connections), Number(into)]).toEqual([2, expect.closeTo(12, -1)])
})

test('a service for every port does not take its own answers for questions', () => {
  const answer = lab.run('director', ['sh', '-c', `(echo hello; sleep 1) | socat -T2 - UDP4:${VIP}:7,sourceport=40003`])
  expect(answer.trim()).toBe('hello')
  expect(
    listed()
      .split('\n')
      .filter((line) => line.includes(':40003 ')),
  ).toHaveLength(1)
})

test('access lists are about it, the firewall has seen it already', () => {
  expect([81, 82, 83].map((port) => get(port))).toEqual(['rs11', 'error 28', 'rs11'])
})

test('without a server, without a route, and with a server here', () => {
  expect([84, 85].map((port) => get(port))).toEqual([REFUSED, REFUSED])
  expect(lab.run('director', ['socat', '-u', `TCP4:${VIP}:90,connect-timeout=3`, '-']).trim()).toBe('here')
})

test('what is no service’s is left alone', () => {
  expect(get(8080)).toBe(REFUSED)
  expect(lab.run('director', ['socat', '-u', 'TCP4:127.0.0.1:90', '-']).trim()).toBe('here')
})

test('a connection outlives the daemon, and the next one', async () => {
  const client = lab.start(
    'director',
    [
      process.execPath,
      '-e',
      `const s = require('net').connect(80, '${VIP}'); process.stdin.on('data', () => s.write('GET / HTTP/1.0\\r\\n\\r\\n')); s.on('data', (d) => process.stdout.write(d)); s.on('connect', () => process.stdout.write('open '))`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  let said = ''
  client.stdout?.on('data', (data: Buffer) => (said += data.toString()))
  await until('the connection', () => said.startsWith('open'))
  await director.stop()
  expect(get(80)).toBe('rs11')
  await director.start()
  client.stdin?.write('now')
  await until('the page', () => said.includes('rs11'))
})

test('forward_interfaces without lo leaves it out, and with it serves it', async () => {
  expect(acceptsLocal()).toBe('1')
  director.configure(config('global_defs {\n  forward_interfaces { eth0 eth1 }\n}'))
  expect(await director.reload()).toEqual([])
  await until('it to be left out', () => get(80) === REFUSED)
  expect(acceptsLocal()).toBe('0')
  director.configure(config('global_defs {\n  forward_interfaces { lo eth0 eth1 }\n}'))
  expect(await director.reload()).toEqual([])
  await until('it to be served', () => get(80) === 'rs11')
})

test('what was set for it is put back at the end', async () => {
  expect(acceptsLocal()).toBe('1')
  await director.stop()
  director.release('--now')
  expect([acceptsLocal(), get(80)]).toEqual(['0', REFUSED])
})
