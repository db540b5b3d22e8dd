import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DirectorHost, untilState } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

let lab: Lab
let first: DirectorHost
let second: DirectorHost
const path = (name: string) => join(lab.directory, name)
/** Lines that somebody has written, oldest first. */
const linesOf = (name: string) =>
  existsSync(path(name))
    ? readFileSync(path(name), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []
/** A script that writes its arguments to a file of the lab. */
const witness = (name: string) => {
  const file = path(`${name}.sh`)
  writeFileSync(file, `#!/bin/sh\necho "$@" >>${path(name)}\n`, { mode: 0o755 })
  return file
}

/** The check of the first director succeeds as long as the file `good` is there. */
const config = (priority: number, { tracked = '', instance = '', global = '', top = '' } = {}) => `global_defs {
  ${global}
}
vrrp_script chk {
  script "/usr/bin/test -e ${path('good')}"
  interval 0.2
  fall 1
  rise 1
}
${top}
vrrp_instance v {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int 0.3
  virtual_ipaddress { 10.0.0.6/16
  }
  ${tracked}
  ${instance}
}
`
const TRACKED = 'track_script { chk\n }'

beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  for (const i of [1, 2]) lab.addHost(`director${i}`, [{ switch: 'lan', address: `10.0.100.${i}/16` }])
  writeFileSync(path('good'), '')
})
afterEach(() => lab.destroy())

/** The first one is master: it has the higher priority. */
async function startBoth(one: string, other: string): Promise<void> {
  first = new DirectorHost(lab, 'director1', one)
  second = new DirectorHost(lab, 'director2', other)
  await Promise.all([first.start(), second.start()])
  await untilState(first, 'master')
  await untilState(second, 'backup')
}

describe('track_script', () => {
  test('without a weight a failure is a fault, and who is to be told is told in order', async () => {
    const told = `notify ${witness('told')}\nnotify_fault "${witness('faults')} of v"`
    await startBoth(config(150, { tracked: TRACKED, instance: told }), config(100))
    rmSync(path('good'))
    await untilState(first, 'fault')
    await untilState(second, 'master')
    expect((await first.status()).instances[0]?.reason).toContain('chk')
    writeFileSync(path('good'), '')
    await untilState(first, 'master')
    await first.stop()
    const states = ['BACKUP', 'MASTER', 'FAULT', 'BACKUP', 'MASTER', 'STOP']
    expect(linesOf('told')).toEqual(states.map((state) => `INSTANCE v ${state} 150`))
    expect(linesOf('faults')).toEqual(['of v'])
    expect(first.logText()).toMatch(/VRRP_Script\(chk\) failed.*exit status 1/)
  })

  test('with a weight the priority falls by it, and the other director takes over', async () => {
    await startBoth(config(150, { tracked: 'track_script { chk weight -60\n }' }), config(100))
    rmSync(path('good'))
    await untilState(second, 'master')
    await untilState(first, 'backup')
    expect((await first.status()).instances[0]).toMatchObject({ priority: 150, effectivePriority: 90 })
  })

  test('one that has failed before the start keeps the instance from the role', async () => {
    rmSync(path('good'))
    first = new DirectorHost(lab, 'director1', config(150, { tracked: TRACKED }))
    await first.start()
    await untilState(first, 'fault')
    writeFileSync(path('good'), '')
    await untilState(first, 'master')
  })

  test('a script process that is killed costs nothing: trackers keep their state until there is another one', async () => {
    await startBoth(config(150, { tracked: TRACKED }), config(100))
    const before = await first.pidOf('script')
    process.kill(before, 'SIGKILL')
    await until('another script process', async () => ![undefined, before].includes(await first.pidOf('script')))
    rmSync(path('good'))
    await untilState(first, 'fault')
    expect(first.logText().match(/Entering (BACKUP|FAULT) STATE/g)).toHaveLength(2)
  })
})

describe('other trackers', () => {
  test('the number in a file is part of the priority', async () => {
    writeFileSync(path('number'), '10\n')
    const top = `track_file f { file ${path('number')}\n }`
    await startBoth(config(150, { top, tracked: 'track_file { f weight 1\n }' }), config(100))
    const priority = async () => (await first.status()).instances[0]?.effectivePriority
    await until('the number to count', async () => (await priority()) === 160)
    writeFileSync(path('number'), '-80\n')
    await untilState(second, 'master')
    expect(await priority()).toBe(70)
  })

  test('a process that is not there any more is a fault', async () => {
    const watched = lab.start('director1', ['sleep', '9753'], { stdio: 'ignore' })
    const top = 'vrrp_track_process p { process sleep 9753\n }'
    await startBoth(config(150, { top, tracked: 'track_process { p\n }' }), config(100))
    watched.kill()
    await untilState(first, 'fault')
    await untilState(second, 'master')
  })
})

test('what happens is written to named pipes, a line each', async () => {
  const reader = path('reader.sh')
  writeFileSync(reader, `#!/bin/sh\ncat "$1" >>${path('lines')}\n`, { mode: 0o755 })
  const global = `notify_fifo ${path('fifo')}\nnotify_fifo_script ${reader}`
  await startBoth(config(150, { global, tracked: TRACKED }), config(100))
  rmSync(path('good'))
  await untilState(first, 'fault')
  const states = ['BACKUP', 'MASTER', 'FAULT']
  const expected = states.map((state) => `INSTANCE "v" ${state} 150`)
  await until('all lines', () => linesOf('lines').length >= expected.length)
  expect(linesOf('lines')).toEqual(expected)
})

test('startup_script ends before the election begins, and shutdown_script comes after its end', async () => {
  const begun = path('begun.sh')
  writeFileSync(begun, `#!/bin/sh\nsleep 1\necho begun >>${path('told')}\n`, { mode: 0o755 })
  const global = `startup_script ${begun}\nshutdown_script "${witness('told')} ended"`
  await startBoth(config(150, { global, instance: `notify ${witness('told')}` }), config(100))
  await first.stop()
  expect(linesOf('told')).toEqual(['begun', ...['BACKUP', 'MASTER', 'STOP'].map((s) => `INSTANCE v ${s} 150`), 'ended'])
})
