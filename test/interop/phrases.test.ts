import { createWriteStream, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { promisedPhrases } from '../support/phrases.ts'

const CONFIG = `vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  version 3
  priority 150
  advert_int 0.1
  virtual_ipaddress {
    10.0.0.100/24
  }
}
`
const DAEMONS = ['tanist', 'keepalived'] as const
type Daemon = (typeof DAEMONS)[number]
const PEERS: Readonly<Record<Daemon, string>> = { tanist: 'peer1', keepalived: 'peer2' }

let lab: Lab
let director: DirectorHost
/** What each has said in the same story: master, a lower router, a higher one, none, a broken link, its end. */
const logs: Record<Daemon, () => string> = { tanist: () => '', keepalived: () => '' }

/** Of the last line that says so; how many times. */
const count = (daemon: Daemon, phrase: string) => logs[daemon]().split(phrase).length - 1

async function story(daemon: Daemon, stop: () => Promise<unknown>): Promise<void> {
  const says = (phrase: string, times = 1) => until(`${daemon}: ${phrase}`, () => count(daemon, phrase) >= times)
  const send = async (priority: number) => {
    const sender = lab.fork(PEERS[daemon], 'vrrp-sender-process.ts', ['10.0.0.2', '51', `${priority}`, '3'])
    await once(sender, 'message')
  }
  await says('Entering MASTER STATE')
  await send(50)
  await says('with lower priority 50, ours 150, forcing new election')
  await send(200)
  await says('with higher priority 200, ours 150')
  await says('Entering MASTER STATE', 2)
  lab.cable(daemon, 0, 'down')
  await says('Entering FAULT STATE')
  lab.cable(daemon, 0, 'up')
  await says('Entering MASTER STATE', 3)
  await stop()
  await says('sent 0 priority')
}

beforeAll(async () => {
  lab = new Lab()
  for (const daemon of DAEMONS) {
    lab.addSwitch(daemon)
    lab.addHost(daemon, [{ switch: daemon, address: '10.0.0.1/24' }])
    lab.addHost(PEERS[daemon], [{ switch: daemon, address: '10.0.0.2/24' }])
  }
  director = new DirectorHost(lab, 'tanist', CONFIG)
  logs.tanist = () => director.logText()
  await director.start()
  await story('tanist', () => director.stop())

  const file = join(lab.directory, 'keepalived.conf')
  writeFileSync(file, CONFIG)
  const pids = ['-p', join(lab.directory, 'k.pid'), '-r', join(lab.directory, 'k-vrrp.pid')]
  const keepalived = lab.start('keepalived', ['keepalived', '-n', '-P', '-l', '-D', '-G', '-f', file, ...pids], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const path = join(lab.directory, 'keepalived.log')
  const log = createWriteStream(path)
  keepalived.stdout?.pipe(log, { end: false })
  keepalived.stderr?.pipe(log, { end: false })
  await once(log, 'open')
  logs.keepalived = () => readFileSync(path, 'utf8')
  await story('keepalived', async () => {
    keepalived.kill('SIGTERM')
    await once(keepalived, 'close')
  })
})
afterAll(() => lab.destroy())

describe.each(DAEMONS)('%s says', (daemon) => {
  const told = /^\(VI_1\) (Entering|sent|Received advert|Master received advert .* higher priority)/
  const phrases = promisedPhrases().filter(({ phrase }) => told.test(phrase))

  test('six of the phrases are of this story', () => expect(phrases).toHaveLength(6))

  test.each(phrases)('$phrase', ({ pattern }) => expect(logs[daemon]()).toMatch(pattern))
})
