import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
let director: DirectorHost
let server: DirectorHost
const path = (name: string) => join(lab.directory, name)
const write = (number: string) => {
  writeFileSync(path('next'), `${number}\n`)
  renameSync(path('next'), path('number'))
}

const session = (own: number, inside = '') => `bfd_instance b {
  neighbor_ip 10.0.0.${own === 1 ? 11 : 1}
  min_rx 200
  min_tx 200
  multiplier 10
  ${inside}
}
`
const config = (factor: string) => `${session(1, 'checker')}
track_file f {
  file ${path('number')}
  init_file 0
}
virtual_server 10.0.0.100 80 {
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
  real_server 10.0.0.11 80 {
    weight 10
    BFD_CHECK {
      name b
    }
  }
  real_server 10.0.0.12 80 {
    weight 10
    FILE_CHECK {
      track_file f
      ${factor}
    }
  }
}
`

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('server', [{ switch: 'lan', address: '10.0.0.11/24' }])
  lab.run('director', ['ip', 'address', 'add', '10.0.0.100/24', 'dev', 'eth0'])
  server = new DirectorHost(lab, 'server', session(11))
  director = new DirectorHost(lab, 'director', config(''))
  await Promise.all([server.start(), director.start()])
})
afterAll(() => lab.destroy())

/** As ipvsadm lists it; undefined when it is not there. */
const weight = (number: number) => {
  const [, found] =
    new RegExp(`-> 10\\.0\\.0\\.${number}:80 +Masq +(\\d+) `).exec(director.ipvsadm('ipvsadm -Ln').stdout) ?? []
  return found === undefined ? undefined : Number(found)
}
const untilWeight = async (number: number, wanted: number | undefined) =>
  await until(`weight ${wanted} of ${number}`, () => weight(number) === wanted)
const seen = async (i: number) => (await director.status()).services[0]?.servers[i]

test('a server is up while its BFD session is, and nobody else tracks that', async () => {
  await until('the session', async () => (await seen(0))?.reason === 'Up')
  await untilWeight(11, 10)
  lab.cable('server', 0, 'down')
  await untilWeight(11, undefined)
  expect(await seen(0)).toMatchObject({ state: 'down', reason: 'Down: Control Detection Time Expired' })
  lab.cable('server', 0, 'up')
  await untilWeight(11, 10)
})

test('a vrrp process that is killed takes no server down', async () => {
  process.kill(await director.pidOf('vrrp'), 'SIGKILL')
  await until('another one', async () =>
    (await director.status()).processes.some(({ role, restarts }) => role === 'vrrp' && restarts > 0),
  )
  await until('the session', async () => (await director.status()).bfdSessions[0]?.state === 'up')
  expect(weight(11)).toBe(10)
  expect(director.logText().match(/BFD_CHECK failed/g)).toHaveLength(1)
})

test('the number in a file is added to the weight of its server', async () => {
  await until('the first number', async () => (await seen(1))?.reason === `0 in ${path('number')}`)
  expect(weight(12)).toBe(10)
  write('15')
  await untilWeight(12, 25)
  expect(await seen(1)).toMatchObject({ state: 'up', weight: 25, reason: `15 in ${path('number')}` })
  write('-30')
  await untilWeight(12, 0)
  expect(await seen(1)).toMatchObject({ state: 'up', weight: 0 })
  write('-5')
  await untilWeight(12, 5)
})

test('a reload takes another factor for the same number, and with 0 it is a failure', async () => {
  director.configure(config('weight 2 reverse'))
  expect(await director.reload()).toEqual([])
  await untilWeight(12, 20)
  director.configure(config('weight 0'))
  expect(await director.reload()).toEqual([])
  await untilWeight(12, undefined)
  process.kill(await director.pidOf('script'), 'SIGKILL')
  write('7')
  await until('the new number', async () => (await seen(1))?.reason === `7 in ${path('number')}`)
  expect(weight(12)).toBeUndefined()
  rmSync(path('number'))
  await untilWeight(12, 10)
  expect(weight(11)).toBe(10)
})
