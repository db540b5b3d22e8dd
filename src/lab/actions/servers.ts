import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { behaviourText, leftPath } from '../../drill/stand-in-script.ts'
import type { ResponderQuestion } from '../responder-contract.ts'
import { serverEndpoints } from '../server-endpoints.ts'
import type { Undo } from '../daemons/daemon.ts'
import type { SiteServer } from '../site.ts'
import type { Stage } from '../stage.ts'
import type { Performs } from './perform.ts'

type How = Exclude<ResponderQuestion['how'], 'ok'> | 'gone'

async function breakServer(stage: Stage, { word, ports, responder }: SiteServer, how: How): Promise<readonly Undo[]> {
  if (how !== 'gone') {
    await responder.ask({ how })
    return [stage.leave({ text: `mend ${word}`, run: () => responder.ask({ how: 'ok' }).then(() => undefined) })]
  }
  const undos: Undo[] = []
  for (const port of ports.values()) {
    const [act, undo] = (['down', 'up'] as const).map((state) => ['ip', 'link', 'set', port, state])
    if (act !== undefined && undo !== undefined)
      undos.push(await stage.act(stage.switch, { text: `${word} is gone`, act, undo }))
  }
  return undos
}

export const SERVER_STEPS: Performs<
  'break server' | 'mend server' | 'flap server' | 'drain' | 'undrain' | 'script says'
> = {
  async 'break server'(stage, { server, how }) {
    const broken = stage.serversOf(server).map(async (each) => {
      stage.keep(`server ${each.word}`, ...(await breakServer(stage, each, how)))
    })
    await Promise.all(broken)
  },
  async 'mend server'(stage, { server }) {
    await Promise.all(stage.serversOf(server).map(({ word }) => stage.takeBack(`server ${word}`)))
  },
  async 'flap server'(stage, { server, every, for: duration }) {
    const servers = stage.serversOf(server)
    const until = performance.now() + duration
    const ended = new AbortController()
    const say = (how: 'refuse' | 'ok') => Promise.all(servers.map(({ responder }) => responder.ask({ how })))
    const half = async (how: 'refuse' | 'ok') => {
      await say(how)
      await sleep(every / 2, undefined, { signal: ended.signal })
    }
    await say('refuse')
    const flap = async () => {
      while (performance.now() < until) {
        await half('refuse')
        await half('ok')
      }
    }
    // It goes on beside the next steps. What ends it is its undo, or a place that is lost, which the drill sees by itself.
    const flapping = flap().catch(() => {})
    const run = async () => {
      ended.abort()
      await flapping
      await say('ok')
      return undefined
    }
    const mend = stage.leave({ text: `mend ${servers.map(({ word }) => word).join(', ')}`, run })
    for (const { word } of servers) stage.keep(`server ${word}`, mend)
  },
  async drain(stage, { server, on }) {
    const endpoints = serverEndpoints(stage.site.directors[stage.active].config, server)
    if (endpoints.length === 0) throw new Error(`there is no ${server}`)
    for (const name of stage.namesOf(on)) {
      for (const endpoint of endpoints) {
        const daemon = stage.daemons[name]
        const run = () => daemon.hand(endpoint, { type: 'enable' }).then(() => undefined)
        const { place } = stage.site.directors[name]
        const text = `enable ${endpoint} on ${name}`
        const command = daemon.undoCommands?.enable(endpoint)
        stage.keep(`hand ${server}`, await stage.leaveAt(place, command, { text, run }))
        await daemon.hand(endpoint, { type: 'drain', keepClients: false })
      }
    }
  },
  undrain: (stage, { server }) => stage.takeBack(`hand ${server}`),
  'script says'(stage, { name, of, ...behaviour }) {
    for (const director of stage.directorsOf(of)) {
      const found = director.standIns.filter(
        (each) => each.command.includes(name) || (each.name !== undefined && each.name === name),
      )
      if (found.length === 0) throw new Error(`${director.name} has no command ${name}`)
      for (const { behaviour: file, command } of found) {
        const { status = 0, hangs, prints = 0, forks = 0 } = behaviour
        // Whole at once: it is read whenever the command is called.
        writeFileSync(`${file}.new`, behaviourText({ status, hangs, prints, forks }))
        renameSync(`${file}.new`, file)
        const run = async () => {
          rmSync(file, { force: true })
          const left = leftPath(file)
          if (!existsSync(left)) return undefined
          const pids = readFileSync(left, 'utf8').trim().split('\n')
          rmSync(left)
          // Some may have ended by themselves.
          await director.place.run(['kill', ...pids])
          return undefined
        }
        stage.leave({ text: `${command} succeeds again`, run })
      }
    }
    return Promise.resolve()
  },
}
