import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

let lab: Lab
let director: DirectorHost
const path = (name: string) => join(lab.directory, name)
/** Lines that scripts have written, oldest first. */
const told = () =>
  existsSync(path('told'))
    ? readFileSync(path('told'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []
/** A script that writes its arguments when it has run for so long, and when it begins to. */
function script(name: string, seconds = 0): string {
  const file = path(`${name}.sh`)
  const lines = [`echo ${name} >>${path('begun')}`, `sleep ${seconds}`, `echo ${name} "$@" >>${path('told')}`]
  writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 })
  return file
}
const hasBegun = (name: string) =>
  existsSync(path('begun')) && readFileSync(path('begun'), 'utf8').split('\n').includes(name)

const config = ({ global = '', top = '', instance = '' }) => `global_defs {
  ${global}
}
${top}
vrrp_instance v {
  interface eth0
  virtual_router_id 51
  version 3
  priority 150
  advert_int 0.1
  virtual_ipaddress { 10.0.0.6/16
  }
  ${instance}
}
`

beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.100.1/16' }])
})
afterEach(() => lab.destroy())

async function kill(): Promise<void> {
  process.kill(await director.pidOf('script'), 'SIGKILL')
}

test('killed in the middle of startup_script it runs that again, and the election begins behind it', async () => {
  const global = `startup_script ${script('startup', 1)}`
  director = new DirectorHost(lab, 'director', config({ global, instance: `notify ${script('notify')}` }))
  await director.start()
  await until('the script to run', () => hasBegun('startup'))
  await kill()
  await director.untilState('master')
  await until('the news', () => told().length >= 3)
  expect(told()).toEqual(['startup', ...['BACKUP', 'MASTER'].map((state) => `notify INSTANCE v ${state} 150`)])
})

test('a startup_script that nobody can run holds the election up for its time limit at most', async () => {
  const global = `startup_script ${script('startup', 1)}\nstartup_script_timeout 2`
  director = new DirectorHost(lab, 'director', config({ global }))
  await director.start()
  await until('the script to run', () => hasBegun('startup'))
  director.configure('vrrp_instance {')
  await kill()
  await director.untilState('master', 20_000)
  expect(director.logText()).toContain('the election begins without startup_script')
  expect(told()).toEqual([])
})

test('killed while the file is wrong it goes on as soon as the file is right, and what has happened meanwhile is told', async () => {
  const good = path('good')
  writeFileSync(good, '')
  const [top, tracked] = [`track_file f { file ${path('number')}\n }`, 'track_file { f weight 1\n }']
  writeFileSync(path('number'), '0\n')
  const text = config({ top, instance: `${tracked}\nnotify ${script('notify')}` })
  director = new DirectorHost(lab, 'director', text)
  await director.start()
  await director.untilState('master')
  director.configure('vrrp_instance {')
  await kill()
  await until('the refusal', () => director.logText().includes('cannot read the configuration file as it is now'))
  lab.ip('director', ['link set eth0 down'])
  await director.untilState('fault')
  director.configure(text)
  await until('the news', () => told().some((line) => line.includes('FAULT')))
  writeFileSync(path('number'), '7\n')
  await until('the number', async () => (await director.status()).instances[0]?.effectivePriority === 157)
  expect(director.logText().match(/cannot read the configuration file as it is now/g)).toHaveLength(1)
})

test('killed at the stop of the director, its successor runs shutdown_script, and the stop takes no longer for it', async () => {
  const global = `shutdown_script ${script('shutdown')}`
  const instance = `notify_stop ${script('stop', 60)}`
  director = new DirectorHost(lab, 'director', config({ global, instance }))
  await director.start()
  await director.untilState('master')
  const pid = await director.pidOf('script')
  const ended = director.end('SIGTERM')
  await until('the script to run', () => hasBegun('stop'))
  const killedAt = performance.now()
  process.kill(pid, 'SIGKILL')
  expect(await ended).toBe('exit status 0')
  expect(told()).toEqual(['shutdown'])
  expect(performance.now() - killedAt).toBeLessThan(10_000)
})

test('a director that stops while nobody can run its commands does not wait for that', async () => {
  director = new DirectorHost(lab, 'director', config({ instance: `notify ${script('notify')}` }))
  await director.start()
  await director.untilState('master')
  director.configure('vrrp_instance {')
  await kill()
  await until('the refusal', () => director.logText().includes('cannot read the configuration file as it is now'))
  const begun = performance.now()
  expect(await director.end('SIGTERM')).toBe('exit status 0')
  expect(performance.now() - begun).toBeLessThan(10_000)
})
