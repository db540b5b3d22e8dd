import { expect, test } from 'vitest'
import { type FormedPool, reformPool } from '../../../src/balance/pool.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { Telling } from '../../../src/daemon/director/telling.ts'
import { Verdicts } from '../../../src/daemon/director/verdicts.ts'
import type { Transition } from '../../../src/daemon/messages.ts'
import { toScript } from '../../../src/daemon/script/to-script.ts'
import type { Config } from '../../../src/model/config.ts'
import type { News } from '../../../src/model/notify.ts'
import type { Told } from '../../../src/model/telling.ts'
import { surroundings } from '../../support/surroundings.ts'

const instance = (name: string, vrid: number) =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${vrid}\n virtual_ipaddress { 10.0.0.${vrid} }\n notify_deleted\n}\n`
const server = (host: number) =>
  `virtual_server 10.0.0.9 80 {\n protocol TCP\n real_server 10.1.0.${host} 80 {\n TCP_CHECK {\n}\n }\n}\n`

function load(text: string): Config {
  const { config, diagnostics } = loadConfig({ name: 'x', text }, surroundings())
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return config
}

const pools = (config: Config): ReadonlyMap<string, FormedPool> =>
  new Map(
    config.virtualServers.map((each) => [
      each.name,
      reformPool(each, ({ weight }) => ({ up: true, weight }), undefined, undefined),
    ]),
  )
const toMaster = (name: string, vrid: number): Transition => ({
  type: 'transition',
  instance: { name, interface: 'eth0', family: 4 as const, vrid },
  from: 'backup',
  to: 'master',
  priority: 100,
  reason: 'r',
  at: 1,
})

/** What is told, with what `mark` puts in between. */
function listening(telling: Telling) {
  const told: string[] = []
  const commands: News[] = []
  const name = (each: Told) => ('server' in each ? each.server : 'name' in each ? each.name : each.service)
  telling.begin({
    commands: (news) => commands.push(...news),
    network: (news) => told.push(...news.map((each) => `${each.type} ${name(each)}`)),
  })
  return { told, commands, mark: (text: string) => told.push(text) }
}

test('what happens before anybody can be told is told then, in its order', () => {
  const config = load(instance('a', 1) + server(1))
  const telling = new Telling(config, undefined, new Verdicts())
  telling.pools(pools(config))
  telling.election(toMaster('a', 1))
  const { told } = listening(telling)
  expect(told).toEqual(['server [10.1.0.1]:80', 'quorum [10.0.0.9]:tcp:80', 'state a'])
})

test('the script process is told nothing that it would refuse', () => {
  const config = load(instance('a', 1) + server(1))
  const telling = new Telling(config, undefined, new Verdicts())
  const { commands } = listening(telling)
  telling.election(toMaster('a', 1))
  telling.election({ type: 'priority', instance: toMaster('a', 1).instance, state: 'master', priority: 9, at: 2 })
  telling.pools(pools(config))
  telling.stopped()
  expect(commands).toHaveLength(5)
  const message = { type: 'news', news: commands } as const
  expect(toScript(message, 'it')).toEqual(message)
})

test('a reload: what is gone is told before the new configuration is handed on, what comes behind it', () => {
  const before = load(instance('a', 1) + server(1))
  const after = load(instance('b', 2) + server(2))
  const telling = new Telling(before, undefined, new Verdicts())
  telling.pools(pools(before))
  telling.election(toMaster('a', 1))
  const { told, mark } = listening(telling)
  told.length = 0
  telling.configure(
    after,
    () => telling.pools(pools(after)),
    () => mark('handed on'),
  )
  expect(told).toEqual(['server [10.1.0.1]:80', 'state a', 'handed on', 'server [10.1.0.2]:80'])
})

test('a reload that the core refuses changes nothing', () => {
  const before = load(instance('a', 1))
  const telling = new Telling(before, undefined, new Verdicts())
  const { told } = listening(telling)
  const refuse = () => {
    throw new Error('full')
  }
  expect(() => telling.configure(load(instance('b', 2)), refuse, () => {})).toThrow('full')
  telling.election(toMaster('a', 1))
  expect(told).toEqual(['state a'])
})
