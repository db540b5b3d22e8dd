import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CheckAnswer } from '../../src/control/check-now.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const path = (name: string) => join(lab.directory, name)
const runs = () => (existsSync(path('runs')) ? readFileSync(path('runs'), 'utf8').split('\n').length - 1 : 0)
let director: DirectorHost
let server: WebServer

/** Checks that do not come by themselves again while this runs. */
const config = () => `track_file f {
  file ${path('number')}
  init_file 3
}
virtual_server 10.0.0.100 80 {
  delay_loop 1000
  warmup 0
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
  real_server 10.0.0.11 80 {
    weight 10
    TCP_CHECK {
    }
    PING_CHECK {
    }
    HTTP_GET {
      url {
        path /
        status_code 200
      }
    }
    MISC_CHECK {
      misc_path "${path('check.sh')}"
      misc_dynamic
    }
    FILE_CHECK {
      track_file f
      weight 1
    }
  }
}
virtual_server 10.0.0.100 81 {
  delay_loop 1000
  warmup 0
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 10.0.0.11 80 {
    TCP_CHECK {
    }
  }
  real_server 10.0.0.12 80 {
  }
  real_server 10.0.0.13 80 {
    TCP_CHECK {
      connect_port 82
      connect_timeout 30
    }
  }
}
`
const known = async () =>
  (await director.status()).services.flatMap(({ servers }) =>
    servers.map(({ name, state, weight, reason }) => [name, state, weight, reason]),
  )

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  for (const host of [11, 13]) lab.addHost(`rs${host}`, [{ switch: 'lan', address: `10.0.0.${host}/24` }])
  lab.run('director', ['ip', 'address', 'add', '10.0.0.100/24', 'dev', 'eth0'])
  // Takes packets, and says nothing.
  lab.run('rs13', ['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '82', '-j', 'DROP'])
  writeFileSync(path('check.sh'), `#!/bin/sh\necho x >>${path('runs')}\necho busy\nexit 7\n`, { mode: 0o755 })
  server = new WebServer(lab, 'rs11')
  await server.start()
  director = new DirectorHost(lab, 'director', config())
  await director.start()
  await until('all to have said something', async () => {
    const reasons = (await known())
      .filter(([name]) => name === '[10.0.0.11]:80')
      .map(([, , , reason]) => String(reason))
    return reasons.length === 2 && reasons.every((reason) => !reason.includes('not checked yet'))
  })
})
afterAll(() => lab.destroy())

test('every checker of a server asks once, and shows its steps with their times', async () => {
  const before = await known()
  const ran = runs()
  const { status, stdout } = director.tanist('check', '10.0.0.100:80', '10.0.0.11')
  const time = String.raw` +\d+\.\d ms  `
  const lines = [
    String.raw`\[10\.0\.0\.11\]:80 of \[10\.0\.0\.100\]:tcp:80`,
    '  PING_CHECK',
    String.raw`${time}sends an echo request to 10\.0\.0\.11`,
    String.raw`${time}GOOD: echo reply after [\d.]+ ms`,
    '  TCP_CHECK',
    String.raw`${time}connects to \[10\.0\.0\.11\]:80`,
    String.raw`${time}connected, from 10\.0\.0\.1 port \d+`,
    `${time}GOOD: connected`,
    '  HTTP_GET',
    `${time}GET /`,
    String.raw`${time}connects to \[10\.0\.0\.11\]:80`,
    String.raw`${time}connected, from 10\.0\.0\.1 port \d+`,
    `${time}status 200, content-type text/html, content-length 5`,
    `${time}compares the status with 200`,
    `${time}GOOD: status 200`,
    String.raw`  MISC_CHECK .*check\.sh`,
    String.raw`${time}runs .*check\.sh, for [^;]+ at most; exit status 0 is good, and from 2 on asks for a weight of two less`,
    `${time}GOOD, asks for weight 5: exit status 7: busy`,
    '  FILE_CHECK f',
    `${time}follows the number in the file f`,
    String.raw`${time}GOOD, asks for weight \+3: .*`,
    'Nothing has changed by this: no verdict is taken from it\\.',
  ]
  expect(stdout).toMatch(new RegExp(`^${lines.join('\n')}\n$`))
  expect(status).toBe(0)
  expect(runs()).toBe(ran + 1)
  expect(await known()).toEqual(before)
  expect(director.logText()).toMatch(/checkers of 10\.0\.0\.11 asked by hand, by root \(pid \d+: .*tanist/)
})

test('one that fails is told, by status 1, and takes nothing down', async () => {
  const before = await known()
  await server.stop()
  const { status, stdout } = director.tanist('check', '10.0.0.11', '--json')
  expect(status).toBe(1)
  const { servers } = JSON.parse(stdout) as CheckAnswer
  expect(servers.map(({ service, checks }) => [service, checks.map(({ checker, up }) => [checker, up])])).toEqual([
    [
      '[10.0.0.100]:tcp:80',
      [
        ['PING_CHECK', true],
        ['TCP_CHECK', false],
        ['HTTP_GET', false],
        [`MISC_CHECK ${path('check.sh')}`, true],
        ['FILE_CHECK f', true],
      ],
    ],
    ['[10.0.0.100]:tcp:81', [['TCP_CHECK', false]]],
  ])
  expect(servers[1]?.checks[0]).toMatchObject({
    reason: 'ECONNREFUSED',
    steps: [{ what: 'connects to [10.0.0.11]:80' }],
  })
  expect(await known()).toEqual(before)
  await server.start()
})

test('a server without checkers says so; what is not there, and who is not there, cannot be asked', () => {
  expect(director.tanist('check', 'all', '10.0.0.12')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\[10\.0\.0\.12\]:80 of \[10\.0\.0\.100\]:tcp:81: not checked\n/),
  })
  expect(director.tanist('check', '10.0.0.99')).toMatchObject({
    status: 2,
    stderr: 'tanist: no virtual server has a real server 10.0.0.99\n',
  })
  expect(director.tanist('--socket', path('nowhere'), 'check', '10.0.0.11')).toMatchObject({ status: 2, stdout: '' })
})

test('who waits for a check process that dies is told so at once', async () => {
  const waiting = director.startTanist('check', '10.0.0.13')
  await until('the request', () => director.logText().includes('checkers of 10.0.0.13 asked by hand'))
  process.kill(await director.pidOf('check'), 'SIGKILL')
  const { status, stdout } = await waiting
  expect(status).toBe(2)
  expect(stdout).toContain('NOT ASKED, which says nothing of the server: the process that asks has ended\n')
})
