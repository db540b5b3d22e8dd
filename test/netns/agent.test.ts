import type { ChildProcess } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
let director: DirectorHost
let agent: ChildProcess
const path = (name: string) => join(lab.directory, name)
/** What the agent says from now on, a line. */
const say = (line: string) => {
  writeFileSync(path('next'), `${line}\n`)
  renameSync(path('next'), path('line'))
}
const AGENT = `require('node:net').createServer((socket) => {
  socket.on('error', () => {})
  socket.end(require('node:fs').readFileSync(process.argv[1]))
}).listen(9707, '10.0.0.11')`
const startAgent = () => lab.start('server', [process.execPath, '-e', AGENT, path('line')], { stdio: 'ignore' })

const config = (weight: number) => `virtual_server 10.0.0.100 80 {
  delay_loop 0.2
  warmup 0
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
  real_server 10.0.0.11 80 {
    weight ${weight}
    PING_CHECK {
    }
    AGENT_CHECK {
      connect_port 9707
      connect_timeout 2
    }
  }
}
`

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('server', [{ switch: 'lan', address: '10.0.0.11/24' }])
  lab.run('director', ['ip', 'address', 'add', '10.0.0.100/24', 'dev', 'eth0'])
  say('up')
  agent = startAgent()
  director = new DirectorHost(lab, 'director', config(40))
  await director.start()
})
afterAll(() => lab.destroy())

/** As ipvsadm lists it; undefined when it is not there. */
const weight = () => {
  const [, found] = /-> 10\.0\.0\.11:80 +Masq +(\d+) /.exec(director.ipvsadm('ipvsadm -Ln').stdout) ?? []
  return found === undefined ? undefined : Number(found)
}
const untilWeight = async (wanted: number | undefined) => await until(`weight ${wanted}`, () => weight() === wanted)
const seen = async () => (await director.status()).services[0]?.servers[0]

test('an agent sets weight and state of its server', async () => {
  await untilWeight(40)
  say('up 75%')
  await untilWeight(30)
  say('drain')
  await untilWeight(0)
  expect(await seen()).toMatchObject({ state: 'up', weight: 0 })
  expect((await seen())?.reason).toContain('AGENT_CHECK [10.0.0.11]:9707: drain, up, 75%')
  say('ready')
  await untilWeight(30)
  say('down #disk is full')
  await untilWeight(undefined)
  expect(await seen()).toMatchObject({
    state: 'down',
    reason: 'AGENT_CHECK [10.0.0.11]:9707: down (disk is full), 75%',
  })
  say('up 50%')
  await untilWeight(20)
})

test('a reload takes the part of another weight', async () => {
  director.configure(config(60))
  expect(await director.reload()).toEqual([])
  await untilWeight(30)
})

test('an agent that is gone changes nothing, also for the next check process', async () => {
  say('drain')
  await untilWeight(0)
  agent.kill()
  const told = async () => (await seen())?.reason ?? ''
  await until('the reason', async () => (await told()).includes('ECONNREFUSED; it has said: drain, up, 50%'))
  process.kill(await director.pidOf('check'), 'SIGKILL')
  await until('the next one', async () =>
    (await told()).endsWith('AGENT_CHECK [10.0.0.11]:9707: the agent does not answer: ECONNREFUSED'),
  )
  expect(weight()).toBe(0)
  expect(await seen()).toMatchObject({ state: 'up' })
  say('ready 100%')
  agent = startAgent()
  await untilWeight(60)
})
