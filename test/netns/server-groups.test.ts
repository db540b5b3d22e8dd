import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addBalancedHosts } from '../support/balanced-hosts.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const HOSTS = [11, 12]
const FIFO = join(lab.directory, 'told')
/** What the pipe was told. */
const TOLD = join(lab.directory, 'told.txt')
const SCRIPT = join(lab.directory, 'quorum-down')
const config = (members: string) => `global_defs {
  lvs_notify_fifo ${FIFO}
  enable_script_security
  script_user root
}
virtual_server_group web {
  ${members}
}
virtual_server group web {
  delay_loop 1
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  quorum_down "/usr/bin/touch ${SCRIPT}"
${HOSTS.map((host) => `  real_server 192.168.1.${host} 80 {\n    TCP_CHECK {\n      connect_timeout 1\n      retry 0\n    }\n  }\n`).join('')}}
`
const FIRST = '10.0.0.100 80\n  10.0.0.101-102 8080'
let director: DirectorHost
let servers: WebServer[]

beforeAll(async () => {
  addBalancedHosts(lab, HOSTS, [100, 101, 102, 103])
  servers = HOSTS.map((host) => new WebServer(lab, `rs${host}`))
  await Promise.all(servers.map((server) => server.start()))
  director = new DirectorHost(lab, 'director', config(FIRST))
  await director.start()
  lab.start('director', [
    'sh',
    '-c',
    `until [ -p ${FIFO} ]; do sleep 0.05; done; exec 3<>${FIFO}; exec cat <&3 >${TOLD}`,
  ])
  await until('a reader of the pipe', () => existsSync(TOLD))
})
afterAll(() => lab.destroy())

const get = (where: string) => lab.run('client', ['curl', '-s', '-m', '2', `http://${where}/`]).trim()
const listed = () => director.ipvsadm('ipvsadm -Ln').stdout
const told = () => readFileSync(TOLD, 'utf8').split('\n').filter(Boolean)
const checks = () =>
  director
    .logText()
    .split('\n')
    .filter((line) => line.includes('TCP_CHECK failed'))

test('each address of a group is a service with the same servers', async () => {
  for (const where of ['10.0.0.100', '10.0.0.101:8080', '10.0.0.102:8080']) {
    expect([get(where), get(where)].toSorted()).toEqual(['rs11', 'rs12'])
  }
  for (const where of ['10.0.0.100:80', '10.0.0.101:8080', '10.0.0.102:8080'])
    expect(listed()).toMatch(
      new RegExp(`TCP +${where} rr\\n +-> 192\\.168\\.1\\.1[12]:80 .*\\n +-> 192\\.168\\.1\\.1[12]:80 `),
    )
  const { services } = await director.status()
  expect(services.map(({ name, group }) => `${name} ${group}`)).toEqual([
    '[10.0.0.100]:tcp:80 [web]:0 TCP',
    '[10.0.0.101]:tcp:8080 [web]:0 TCP',
    '[10.0.0.102]:tcp:8080 [web]:0 TCP',
  ])
  expect(director.tanist('status', 'web').stdout).toContain('of VS [web]:0 TCP')
})

test('one set of checks takes a server out of all of them, and tells of it once', async () => {
  const before = told().length
  await servers[1]?.stop()
  await until('the server to be out', () => !listed().includes('192.168.1.12'))
  for (const where of ['10.0.0.100', '10.0.0.101:8080', '10.0.0.102:8080']) expect(get(where)).toBe('rs11')
  await until('it to be told', () => told().length > before)
  expect(told().slice(before)).toEqual(['RS [192.168.1.12]:tcp:80 [web]:0 DOWN'])
  await until('it to be logged', () => checks().length > 0)
  expect(checks()).toHaveLength(1)
  expect(checks()[0]).toContain('[web]:0 TCP [192.168.1.12]:80 0 TCP_CHECK failed')
})

test('a reload that adds an address keeps the connections to the others', async () => {
  const port = 45_678
  const client = lab.start(
    'client',
    [
      process.execPath,
      '-e',
      `const s = require('net').connect({ port: 80, host: '10.0.0.100', localPort: ${port} })
     process.on('SIGUSR2', () => s.write('GET / HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n'))
     s.on('data', (data) => process.stdout.write(data)); s.on('close', () => process.exit(1))`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let answer = ''
  client.stdout?.on('data', (data: Buffer) => (answer += data.toString()))
  const connected = () => director.tanist('connections', '--state', 'ESTABLISHED').stdout.includes(String(port))
  await until('a connection', connected)
  director.configure(config(`10.0.0.103 80\n  ${FIRST}`))
  expect(await director.reload()).toEqual([])
  expect(get('10.0.0.103')).toBe('rs11')
  expect(connected()).toBe(true)
  client.kill('SIGUSR2')
  await until('an answer by the connection of before', () => answer.includes('rs11'))
  expect(client.exitCode).toBe(null)
})

test('a reload that takes an address away leaves the others', async () => {
  director.configure(config('10.0.0.103 80\n  10.0.0.101-102 8080'))
  expect(await director.reload()).toEqual([])
  expect(listed()).not.toContain('10.0.0.100:80')
  expect(get('10.0.0.102:8080')).toBe('rs11')
})

test('quorum is one for all of them', async () => {
  const before = told().length
  await servers[0]?.stop()
  await until('the quorum to be lost', async () =>
    (await director.status()).services.every(({ quorum }) => quorum === 'down'),
  )
  await until('it to be told', () => told().length >= before + 2)
  expect(told().slice(before)).toEqual(['RS [192.168.1.11]:tcp:80 [web]:0 DOWN', 'VS [web]:0 DOWN'])
  await until('the command to have run', () =>
    lab.run('director', ['sh', '-c', `ls ${SCRIPT} || true`]).includes(SCRIPT),
  )
  const lost = () => director.logText().match(/Lost quorum for VS \[web\]:0 TCP/g)
  await until('it to be logged', () => lost() !== null)
  expect(lost()).toHaveLength(1)
})
