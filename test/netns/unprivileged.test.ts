import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const ROOT = join(import.meta.dirname, '../..')
const lab = new Lab()
afterAll(() => lab.destroy())

interface Checked {
  readonly check: string
  readonly says?: string
  /** 80 by default. */
  readonly port?: number
  readonly reason: unknown
}

const CHECKS: readonly Checked[] = [
  { check: 'TCP_CHECK', reason: 'connected' },
  { check: 'HTTP_GET', says: 'url { path /index.html\n status_code 200 }', reason: expect.stringContaining('200') },
  { check: 'PING_CHECK', reason: expect.stringMatching(/^echo reply after/) },
  { check: 'UDP_CHECK', says: 'payload 41424344\n require_reply', port: 7, reason: '4 bytes in reply' },
  { check: 'DNS_CHECK', says: 'type SOA\n name lab\n answer ns.lab', port: 53, reason: 'answer ns.lab' },
  { check: 'TCP_CHECK', says: 'protocol redis', port: 6379, reason: '+PONG' },
]

const service = ({ check, says = '', port = 80 }: Checked, i: number) => `virtual_server 10.0.0.100 ${1000 + i} {
  delay_loop 1
  protocol ${/UDP|DNS/.test(check) ? 'UDP' : 'TCP'}
  real_server 10.0.0.2 ${port} { ${check} { ${says} } }
}
`

const secure = (port: number, version: string) => `virtual_server 10.0.0.100 ${port} {
  delay_loop 1
  protocol TCP
  real_server 10.0.0.2 443 {
    SSL_GET {
      http_protocol ${version}
      expiry_warning 30
      url {
        path /index.html
        regex "^SER(?i)VER$|^server$"
      }
    }
  }
}
`

/** A name server for `lab` on a host, with its files in this folder. */
function startNameServer(folder: string): void {
  writeFileSync(
    join(folder, 'lab.zone'),
    '$ORIGIN lab.\n$TTL 60\n@ SOA ns root 1 60 60 60 60\n@ NS ns\nns A 10.0.0.2\n',
  )
  const own = ['pidfile', 'xfrdfile', 'zonelistfile', 'cookie-secret-file'].map(
    (name) => `${name}: "${folder}/nsd-${name}"`,
  )
  const server = ['server:', 'ip-address: 10.0.0.2', 'username: ""', `zonesdir: "${folder}"`, 'database: ""', ...own]
  const zone = ['zone:', 'name: lab', 'zonefile: lab.zone']
  const file = join(folder, 'nsd.conf')
  writeFileSync(file, [...server, 'remote-control:', 'control-enable: no', ...zone, ''].join('\n'))
  lab.start('server', ['nsd', '-d', '-c', file])
}

test('the checks work without privileges, also where only root can read the program', async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('server', [{ switch: 'lan', address: '10.0.0.2/24' }])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647'])
  // Of the director's key only root can read: it is shown to the server by a process that cannot.
  const [key, certificate] = ['director.key', 'director.pem'].map((name) => join(lab.directory, name))
  const make = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -out ${certificate} -subj /CN=any -days 9`
  execFileSync('openssl', make.split(' '), { stdio: 'ignore' })
  const tls = `listen 443 ssl http2; ssl_certificate ${certificate}; ssl_certificate_key ${key};
   ssl_client_certificate ${certificate}; ssl_verify_client on;`
  await new WebServer(lab, 'server', tls).start()
  await once(lab.fork('server', 'udp-echo.ts', ['7']), 'message')
  startNameServer(lab.directory)
  lab.start('server', ['redis-server', '--bind', '10.0.0.2', '--protected-mode', 'no', '--save', ''])
  const installed = join(lab.directory, 'package')
  mkdirSync(installed)
  for (const part of ['dist', 'node_modules', 'package.json']) {
    execFileSync('cp', ['-a', join(ROOT, part), join(installed, part)])
  }
  for (const folder of [installed, lab.directory]) chmodSync(folder, 0o700)
  const ssl = ['1.1', '2'].map((version, i) => secure(8443 + i, version)).join('')
  const config = `${CHECKS.map(service).join('')}${ssl}SSL {\n certificate ${certificate}\n key ${key}\n}\n`
  const director = new DirectorHost(lab, 'director', config, [], { program: join(installed, 'dist/bin/tanistd.js') })
  await director.start()
  const reasons = async () => (await director.status()).services.map(({ servers }) => servers[0]?.reason)
  // The servers of this test may start after the first round.
  await until('every check to be good', async () => {
    const servers = (await director.status()).services.map(({ servers: [server] }) => server)
    return servers.every((server) => server?.state === 'up' && server.reason !== 'not checked yet')
  })
  expect(await reasons()).toEqual([...CHECKS.map(({ reason }) => reason), 'status 200', 'status 200'])
  expect(director.logText().match(/:443 \d+ SSL_GET is good, but the certificate expires in 8 days/g)).toHaveLength(2)
  const status = readFileSync(`/proc/${await director.pidOf('check')}/status`, 'utf8')
  expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m)
  expect(status).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m)
  expect(status).toMatch(/^Groups:\t ?$/m)
  expect(status).toMatch(/^CapEff:\t0+$/m)
  expect(status).toMatch(/^CapPrm:\t0+$/m)
})
