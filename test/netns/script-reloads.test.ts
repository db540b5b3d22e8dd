import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

let lab: Lab
let director: DirectorHost
const path = (name: string) => join(lab.directory, name)
/** Of four reloads each. */
const ROUNDS = 25

beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.100.1/16' }])
})
afterEach(() => lab.destroy())

function script(name: string, lines: string): string {
  writeFileSync(path(name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
  return path(name)
}

const instance = (rest: string) => `vrrp_instance v {
  interface eth0
  virtual_router_id 51
  version 3
  priority 150
  advert_int 0.1
  virtual_ipaddress { 10.0.0.6/16
  }
  ${rest}
}
`
const BARE = instance('')

/** Everything of it has a name of its own. */
const full = (name: string) => `global_defs {
  notify_fifo ${path(`fifo-${name}`)}
  notify_fifo_script ${path('reader')}
}
vrrp_script s-${name} {
  script "${path('check')} ${name}"
  interval 0.1
  timeout 5
  fall 1
  rise 1
}
track_file f-${name} { file ${path(`number-${name}`)}
}
vrrp_track_process p-${name} { process tanist-none-${name}
}
${instance(`track_script { s-${name}\n }
  track_file { f-${name} weight 1\n }
  track_process { p-${name} weight 1\n }
  notify ${path('notify')}`)}`

interface Held {
  readonly descriptors: number
  readonly watches: number
  readonly processes: number
}

/** What the director or its script process holds. */
function heldBy(pid: number): Held {
  const folder = `/proc/${pid}/fdinfo`
  const watches = readdirSync(folder).map((fd) => {
    try {
      return readFileSync(join(folder, fd), 'utf8').match(/^inotify /gm)?.length ?? 0
    } catch {
      return 0 // closed meanwhile
    }
  })
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((each) => each !== '')
  return {
    descriptors: watches.length,
    watches: watches.reduce((sum, each) => sum + each, 0),
    processes: children.length,
  }
}

test('reloads that change everything about commands, in the middle of them, leave nothing behind', async () => {
  script('check', 'sleep 0.05')
  script('notify', 'sleep 0.2')
  script('reader', 'exec cat "$1" >/dev/null')
  director = new DirectorHost(lab, 'director', BARE)
  await director.start()
  await director.untilState('master')
  const load = async (text: string) => {
    director.configure(text)
    expect(await director.reload()).toEqual([])
  }
  const known = async () => {
    const all = async () => (await director.status()).instances[0]?.trackers ?? []
    await until('all that is tracked to be known', async () => {
      const trackers = await all()
      return trackers.length === 3 && trackers.every(({ state }) => state !== 'unknown')
    })
  }
  await load(full('x'))
  await known()
  const pid = await director.pidOf('script')
  // What is counted is there to be counted.
  expect(heldBy(pid).watches).toBeGreaterThan(0)
  expect(heldBy(pid).processes).toBeGreaterThan(0)
  await load(BARE)
  const main = director.pid ?? 0
  const calm = async () => {
    let last = ''
    return await until('nothing to run', () => {
      const held = { script: heldBy(pid), main: heldBy(main) }
      const text = JSON.stringify(held)
      const same = text === last && held.script.processes === 0
      last = text
      return same && held
    })
  }
  const before = await calm()
  for (let i = 0; i < ROUNDS; i++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const text of [full(`a${i}`), full('x'), full(`b${i}`), BARE]) await load(text)
  }
  await load(full('x'))
  await known()
  await load(BARE)
  const after = await calm()
  expect(after).toEqual(before)
  expect(await director.pidOf('script')).toBe(pid)
  expect((await director.status()).instances[0]?.state).toBe('master')
  // What was known of it was forgotten with it.
  expect(director.logText().match(/VRRP_Script\(s-x\) succeeded/g)?.length).toBeGreaterThan(1)
  expect(director.logText().match(/Entering (BACKUP|FAULT) STATE/g)).toHaveLength(1)
})
