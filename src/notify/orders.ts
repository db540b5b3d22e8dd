import type { Command } from '../model/command.ts'
import type { Fifo, News, NotifiedState, ScriptConfig, StateCommands } from '../model/notify.ts'
import type { StateNews } from '../model/telling.ts'
import { serverTrio, serviceTrio } from './names.ts'
import { REMOVED } from './states.ts'

/** A command to run for a piece of news. */
export interface CommandOrder {
  /** Those of one queue run one after the other: `instance VI_1`, `group G`, `virtual server [10.0.0.1]:tcp:80`. */
  readonly queue: string
  readonly command: Command
  /** Behind the arguments that the configuration gives it. */
  readonly args: readonly string[]
}

/** A line for a named pipe, without its end. */
export interface LineOrder {
  readonly path: string
  /** What it is about: a newer line of the same subject makes this one old. */
  readonly subject: string
  readonly line: string
}

export interface Orders {
  readonly runs: readonly CommandOrder[]
  readonly lines: readonly LineOrder[]
}

/**
 * What keepalived 2.2.7 would run and write for a piece of news, to the letter and in its order: first the command for just this state,
 * then `notify` with what has happened as four more arguments. The lines say the same as those four.
 */
export function ordersFor(news: News, config: ScriptConfig): Orders {
  switch (news.type) {
    case 'state':
      return news.subject === 'GROUP' ? ofGroup(news, config) : ofInstance(news, config)
    case 'priority': {
      const commands = config.instances.find(({ name }) => name === news.name)
      if (commands?.priorityChanges !== true) return NOTHING
      // Only the pipes are told of it.
      return {
        runs: [],
        lines: linesTo('vrrp', `INSTANCE "${news.name}"`, `${news.state}_PRIORITY ${news.priority}`, config),
      }
    }
    case 'lower-priority': {
      const commands = config.instances.find(({ name }) => name === news.name)
      const command = commands?.masterRxLowerPri
      return {
        runs: command === undefined ? [] : [{ queue: `instance ${news.name}`, command, args: [] }],
        lines: linesTo('vrrp', `INSTANCE "${news.name}"`, `MASTER_RX_LOWER_PRI ${news.priority}`, config),
      }
    }
    case 'server': {
      if (news.initial && !config.initialServers) return NOTHING
      const commands = config.services.find(({ service }) => service === news.service)
      const server = commands?.servers.find((each) => each.server === news.server)
      const subject = `RS ${serverTrio(news.server, news.service)} ${serviceTrio(news.service)}`
      return ofService(news, subject, news.up ? server?.up : server?.down, config)
    }
    case 'quorum': {
      const commands = config.services.find(({ service }) => service === news.service)
      const subject = `VS ${serviceTrio(news.service)}`
      return ofService(news, subject, news.up ? commands?.quorumUp : commands?.quorumDown, config)
    }
  }
}

const NOTHING: Orders = { runs: [], lines: [] }

/** The last four arguments of `notify`, and the line. */
type Words = readonly ['INSTANCE' | 'GROUP', string, string, string]

function ofGroup({ name, state, priority }: StateNews, config: ScriptConfig): Orders {
  const commands = config.groups.find((group) => group.name === name)
  return told(commands, commands && commandFor(commands, state), ['GROUP', name, state, `${priority}`], config)
}

function ofInstance({ name, state, priority, reason }: StateNews, config: ScriptConfig): Orders {
  const commands = config.instances.find((instance) => instance.name === name)
  const ofState = commands && reason !== REMOVED ? commandFor(commands, state) : undefined
  const specific = state === 'DELETED' ? commands?.deleted?.command : ofState
  // By this word, and without `notify_fault`.
  const word = state === 'DELETED' && commands?.deleted === undefined ? 'FAULT' : state
  return told(commands, specific, ['INSTANCE', name, word, `${priority}`], config)
}

function commandFor(commands: StateCommands, state: NotifiedState): Command | undefined {
  switch (state) {
    case 'MASTER':
      return commands.master
    case 'BACKUP':
      return commands.backup
    case 'FAULT':
      return commands.fault
    case 'STOP':
      return commands.stop
    case 'DELETED':
      return undefined
  }
}

function told(
  commands: StateCommands | undefined,
  specific: Command | undefined,
  words: Words,
  config: ScriptConfig,
): Orders {
  const [subject, name, state, priority] = words
  const queue = `${subject.toLowerCase()} ${name}`
  const any = commands?.any
  return {
    runs: [
      ...(specific === undefined ? [] : [{ queue, command: specific, args: [] }]),
      ...(any === undefined ? [] : [{ queue, command: any, args: words }]),
    ],
    // A quote in a name is written as it is.
    lines: linesTo('vrrp', `${subject} "${name}"`, `${state} ${priority}`, config),
  }
}

function ofService(
  { service, up }: Extract<News, { type: 'server' | 'quorum' }>,
  subject: string,
  command: Command | undefined,
  config: ScriptConfig,
): Orders {
  return {
    runs: command === undefined ? [] : [{ queue: `virtual server ${service}`, command, args: [] }],
    lines: linesTo('lvs', subject, up ? 'UP' : 'DOWN', config),
  }
}

/** One line a pipe, also when two keywords name the same one. */
function linesTo(
  events: Exclude<Fifo['events'], 'all'>,
  subject: string,
  what: string,
  { fifos }: ScriptConfig,
): readonly LineOrder[] {
  const paths = fifos.filter((fifo) => fifo.events === 'all' || fifo.events === events).map(({ path }) => path)
  return [...new Set(paths)].map((path) => ({ path, subject, line: `${subject} ${what}` }))
}
