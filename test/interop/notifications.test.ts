import { type ChildProcess, execFileSync } from 'node:child_process'
import { chmodSync, closeSync, constants, openSync, readSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { News, NotifiedState } from '../../src/model/notify.ts'
import { Lab, until } from '../support/lab.ts'
import { ScriptHost } from '../support/script-host.ts'

/**
 * keepalived says by the lines of its named pipe what has happened. The script process is told just that, with the same configuration, and
 * must run the same commands with the same arguments, and write the same lines.
 */
let lab: Lab
let ours: ScriptHost
beforeAll(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  for (const [i, host] of ['keepalived', 'rival'].entries()) {
    lab.addHost(host, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
  }
  chmodSync(lab.directory, 0o755)
})
afterAll(() => lab.destroy())
beforeEach(() => {
  ours = new ScriptHost()
  ours.start()
})
afterEach(() => ours.destroy())

const instance = (name: string, id: number, priority: number, ...more: string[]) => `vrrp_instance ${name} {
  interface eth0
  virtual_router_id ${id}
  version 3
  priority ${priority}
  advert_int 0.2
  virtual_ipaddress { 10.0.0.${100 + id}/24 }
  ${more.join('\n  ')}
}
`

/** Instances of which the first one is in a group, and the last one may be gone after a reload. */
function config(pipe: string, tell: string, last: '' | 'notify_deleted' | 'none'): string {
  const told = (name: string, ...keywords: string[]) =>
    keywords.map((keyword) => `${keyword} "${tell} ${name}-${keyword} 'two words'"`).join('\n  ')
  const STATES = ['notify_master', 'notify_backup', 'notify_fault', 'notify_stop', 'notify']
  return `global_defs {
  script_user root
  notify_fifo ${pipe}
  vrrp_notify_priority_changes yes
}
vrrp_track_file load { file ${lab.directory}/load
  weight 1
}
vrrp_sync_group G { group { VI_1 }
  ${told('G', ...STATES)}
}
${instance('VI_1', 1, 100, told('VI_1', ...STATES, 'notify_master_rx_lower_pri'))}
${instance('VI_2', 2, 100, told('VI_2', ...STATES, 'notify_master_rx_lower_pri'), 'track_file { load }')}
${last === 'none' ? '' : instance('VI_3', 3, 100, told('VI_3', ...STATES), last && `notify_deleted "${tell} deleted"`)}
`
}

/** What keepalived writes, over reloads, which make the pipe anew. */
class PipeReader {
  readonly #path: string
  #fd: number | undefined
  #ino = 0
  #text = ''

  constructor(path: string) {
    this.#path = path
  }

  get lines(): string[] {
    this.#read()
    const ino = statSync(this.#path, { throwIfNoEntry: false })?.ino
    if (ino !== undefined && ino !== this.#ino) {
      if (this.#fd !== undefined) closeSync(this.#fd)
      this.#fd = openSync(this.#path, constants.O_RDONLY | constants.O_NONBLOCK)
      this.#ino = ino
      this.#read()
    }
    return this.#text.split('\n').slice(0, -1)
  }

  #read(): void {
    const buffer = Buffer.alloc(65_536)
    try {
      if (this.#fd !== undefined) this.#text += buffer.toString('utf8', 0, readSync(this.#fd, buffer))
    } catch {
      // EAGAIN: nothing is there
    }
  }
}

function newsOf(line: string): News {
  const [, subject, name = '', word = '', digits] = /^(INSTANCE|GROUP) "(.*)" (\w+) (\d+)$/.exec(line) ?? []
  const about = { name, priority: Number(digits), at: 0 }
  if (word === 'MASTER_RX_LOWER_PRI') return { type: 'lower-priority', ...about }
  const role = /^(MASTER|BACKUP)_PRIORITY$/.exec(word)?.[1]
  if (role !== undefined) return { type: 'priority', state: role as 'MASTER' | 'BACKUP', ...about }
  const state = word as NotifiedState
  return { type: 'state', subject: subject === 'GROUP' ? 'GROUP' : 'INSTANCE', state, reason: '', ...about }
}

/** A script that appends its arguments to a file, in one write. */
const telling = (folder: string): string => {
  const path = join(folder, 'tell')
  writeFileSync(path, `#!/bin/bash\necho "$(printf '<%s>' "$@")" >> ${folder}/told\n`, { mode: 0o755 })
  writeFileSync(join(folder, 'told'), '')
  return path
}
const toldIn = (folder: string) => execFileSync('sort', [join(folder, 'told')], { encoding: 'utf8' })

const RIVAL = instance('VI_1', 1, 50) + instance('VI_2', 2, 50)

function start(host: string, text: string): ChildProcess {
  const path = (name: string) => join(lab.directory, `${host}.${name}`)
  writeFileSync(path('conf'), text)
  return lab.start(host, ['keepalived', '-n', '-P', '-G', '-f', path('conf'), '-p', path('pid'), '-r', path('vrrp')])
}

test.each([
  ['a deleted instance', ''],
  ['notify_deleted', 'notify_deleted'],
] as const)('what keepalived runs and writes, with %s', async (_, last) => {
  const [pipe, folder] = [join(lab.directory, `pipe${last}`), lab.directory]
  const tell = telling(folder)
  writeFileSync(join(folder, 'load'), '0')
  lab.run('rival', ['nft', 'add table inet t; add chain inet t c { type filter hook input priority 0; }'])
  lab.run('rival', ['nft', 'flush chain inet t c; add rule inet t c meta l4proto 112 drop'])
  const reader = new PipeReader(pipe)
  const untilLine = async (pattern: RegExp, from = 0) =>
    await until(`keepalived writes ${pattern}`, () => reader.lines.slice(from).some((line) => pattern.test(line)))
  const keepalived = start('keepalived', config(pipe, tell, last))
  await untilLine(/"VI_2" MASTER 100/)
  await untilLine(/"VI_3" MASTER/)
  writeFileSync(join(folder, 'load'), '-7')
  await untilLine(/"VI_2" MASTER_PRIORITY 93/)
  const rival = start('rival', RIVAL)
  await untilLine(/"VI_2" MASTER_RX_LOWER_PRI/)
  rival.kill('SIGKILL')
  lab.ip('keepalived', ['link set eth0 down'])
  await untilLine(/"VI_3" FAULT/)
  const before = reader.lines.length
  lab.ip('keepalived', ['link set eth0 up'])
  await untilLine(/"VI_3" MASTER/, before)
  await untilLine(/"VI_2" MASTER/, before)
  await untilLine(/"G" MASTER/, before)
  const lines = [...reader.lines]
  writeFileSync(join(folder, 'keepalived.conf'), config(pipe, tell, 'none'))
  keepalived.kill('SIGHUP')
  await untilLine(/"VI_3" (DELETED|FAULT)/, lines.length)
  // keepalived does not wait for its commands, and they end with it.
  await until('its command has run', () => /<VI_3-notify>.*<(DELETED|FAULT)><100>\n[^]*$/.test(toldIn(folder)))
  keepalived.kill('SIGTERM')
  await until('keepalived has gone', () => {
    void reader.lines
    return keepalived.exitCode !== null
  })
  await untilLine(/"VI_1" STOP/)

  const theirs = reader.lines
  const ownTell = telling(ours.directory)
  const ownPipe = join(ours.directory, 'pipe')
  await ours.configure(config(ownPipe, ownTell, last))
  const ownReader = new PipeReader(ownPipe)
  expect(ownReader.lines).toEqual([])
  const deleted = theirs.findIndex((line, i) => i >= lines.length && /"VI_3" (DELETED|FAULT)/.test(line))
  // What is told as FAULT without notify_deleted is a deletion. A director tells of it before it has the file read again.
  const news = theirs.map(newsOf)
  const asDeletion = (each: News): News => (each.type === 'state' ? { ...each, state: 'DELETED' } : each)
  ours.tell(...news.slice(0, deleted), ...news.slice(deleted, deleted + 1).map(asDeletion))
  await ours.configure(config(ownPipe, ownTell, 'none'))
  ours.tell(...news.slice(deleted + 1))
  await until('it has written as much', () => ownReader.lines.length >= theirs.length)
  await ours.finish(30_000)
  expect(ownReader.lines).toEqual(theirs)
  expect(toldIn(ours.directory)).toBe(toldIn(folder))
  for (const each of ['<VI_1-notify_master><two words>\n', '<G-notify><two words><GROUP><G><STOP><0>\n']) {
    expect(toldIn(folder)).toContain(each)
  }
})
