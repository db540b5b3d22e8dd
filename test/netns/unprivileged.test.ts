import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const ROOT = join(import.meta.dirname, '../..')
const lab = new Lab()
afterAll(() => lab.destroy())

const real = (port: number, check: string) => `virtual_server 10.0.0.100 ${port} {
  delay_loop 1
  protocol ${check === 'UDP_CHECK' ? 'UDP' : 'TCP'}
  real_server 10.0.0.2 ${port === 7 ? 7 : 80} { ${check} { ${check === 'UDP_CHECK' ? 'payload 41424344\n require_reply' : ''}
   ${check === 'HTTP_GET' ? 'url { path /index.html\n status_code 200 }' : ''} } }
}
`

test('the checks work without privileges, also where only root can read the program', async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('server', [{ switch: 'lan', address: '10.0.0.2/24' }])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647'])
  await new WebServer(lab, 'server').start()
  await once(lab.fork('server', 'udp-echo.ts', ['7']), 'message')
  const installed = join(lab.directory, 'package')
  mkdirSync(installed)
  for (const part of ['dist', 'node_modules', 'package.json']) {
    execFileSync('cp', ['-a', join(ROOT, part), join(installed, part)])
  }
  for (const folder of [installed, lab.directory]) chmodSync(folder, 0o700)
  const config = ['TCP_CHECK', 'HTTP_GET', 'PING_CHECK', 'UDP_CHECK']
    .map((check, i) => real(check === 'UDP_CHECK' ? 7 : 80 + i, check))
    .join('')
  const director = new DirectorHost(lab, 'director', config, [], { program: join(installed, 'dist/bin/tanistd.js') })
  await director.start()
  const reasons = async () => (await director.status()).services.map(({ servers }) => servers[0]?.reason)
  await until('every check to have found something', async () => !(await reasons()).includes('not checked yet'))
  expect(await reasons()).toEqual([
    'connected',
    expect.stringContaining('200'),
    expect.stringMatching(/^echo reply after/),
    '4 bytes in reply',
  ])
  const status = readFileSync(`/proc/${await director.pidOf('check')}/status`, 'utf8')
  expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m)
  expect(status).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m)
  expect(status).toMatch(/^Groups:\t ?$/m)
  expect(status).toMatch(/^CapEff:\t0+$/m)
  expect(status).toMatch(/^CapPrm:\t0+$/m)
})
