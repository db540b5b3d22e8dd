import type { Millis } from '../../time.ts'
import type { ActionName, ActionStep } from './actions.ts'
import type { Claim, Condition, Figure } from './conditions.ts'
import type { Limit } from './kinds.ts'
import type { Traffic } from './traffic.ts'

/** Steps, claims and traffic in plain English, for people who read a drill before they run it. */

type Of<U, K extends string, N> = Extract<U, Readonly<Record<K, N>>> extends { readonly arguments: infer A } ? A : never
type Sentences<U, K extends string, N extends string> = { readonly [E in N]: (of: Of<U, K, E>) => string }

const NAMES: Readonly<Record<string, string>> = {
  active: 'the active director',
  standby: 'the standby',
  both: 'both directors',
  client: 'the client',
  all: 'all real servers',
  either: 'one of the directors, whichever,',
  nobody: 'nobody',
}
const who = (word: string) => NAMES[word] ?? word
const isAre = (word: string, verb: 'is' | 'has') =>
  word === 'both' || word === 'all' ? (verb === 'is' ? 'are' : 'have') : verb

export function durationText(ms: Millis): string {
  return ms >= 1000 && ms % 10 === 0 ? `${ms / 1000} s` : `${ms} ms`
}

const PROMISED = { takeover: 'the take-over time', handover: 'the cost of a hand-over', detection: "the checks' time" }

export function limitText({ plus, promised }: Limit): string {
  const parts = [
    ...promised.map((each) => PROMISED[each]),
    ...(plus > 0 || promised.length === 0 ? [durationText(plus)] : []),
  ]
  return parts.join(' and ')
}

const count = (number: number, one: string, more = `${one}s`) =>
  number === 0 ? `no ${one}` : number === 1 ? `one ${one}` : `${number} ${more}`
const atMost = (number: number, one: string) => (number === 0 ? `no ${one}` : `at most ${count(number, one)}`)
/** Of a process of the daemon. */
const processes = (name: string, of: string) =>
  name === 'all' ? `all processes of ${who(of)}` : `the ${name} process of ${who(of)}`
const at = (name: string | undefined) => (name === undefined ? '' : ` at ${name}`)
const WAYS = { both: '', in: ' (what comes to it)', out: ' (what it sends)' }
const BREAKS = {
  refuse: 'refuses connections',
  silent: 'takes connections and never answers',
  slow: 'answers a byte at a time',
  error: 'answers with an error',
  wrong: 'answers something else',
  redirect: 'answers with a redirect to the page itself',
  endless: 'answers without an end',
  expired: 'has a certificate that has ended',
  gone: 'is not there any more',
}

const CONDITION_SENTENCES: Sentences<Condition, 'type', Condition['type']> = {
  master: ({ is }) =>
    is === 'nobody'
      ? 'no director has a virtual address'
      : `${who(is)} has all virtual addresses, and the other one none`,
  holds: ({ director }) => `${who(director)} ${isAre(director, 'has')} all virtual addresses`,
  state: ({ of, is }) => `${who(of)} ${isAre(of, 'is')} in the state ${is}`,
  priority: ({ of, is }) => `the priority of ${who(of)} is ${is}`,
  server: ({ server, is, on, service }) =>
    `${who(server)} ${isAre(server, 'is')} ${is} for ${who(on)}${service === undefined ? '' : ` in virtual server ${service}`}`,
  arp: ({ by }) => `${by === 'both' ? 'both directors answer' : `${who(by)} answers`} for the virtual address`,
  process: ({ of, process, is }) => `${processes(process, of)} ${process === 'all' ? 'are' : 'is'} ${is}`,
  log: ({ of, says }) => `the log of ${who(of)} says ${says.source}`,
  status: ({ of, says }) => `the status of ${who(of)} says ${says.source}`,
  called: ({ of, command, with: words }) =>
    `${who(of)} has run ${command}${words === undefined ? '' : ` with ${words.source}`}`,
  file: ({ of }) => `the configuration file of ${who(of)} is as it was`,
}

const FIGURE_SENTENCES: Sentences<Figure, 'type', Figure['type']> = {
  outage: ({ 'at most': most, 'at least': least }) =>
    `no probe is unanswered for longer than ${limitText(most)}${least === undefined ? '' : `, and one is for ${limitText(least)}`}`,
  lost: ({ 'at most': most, 'at least': least }) =>
    `${atMost(most, 'probe')} is lost${least === undefined ? '' : `, and ${least} are at least`}`,
  'failed requests': (of) => `${atMost(of['at most'], 'request')} fails`,
  'broken connections': (of) => `${atMost(of['at most'], 'open connection')} breaks`,
  'moved connections': (of) => `${atMost(of['at most'], 'open connection')} moves to another server`,
  'silent connections': (of) => `no open connection waits for an answer for longer than ${limitText(of['at most'])}`,
  'wrong answers': (of) => `${atMost(of['at most'], 'answer')} is wrong`,
  'answered by': ({ servers }) => `requests are answered by ${servers.map(who).join(', ')}, and by no other`,
  'not answered by': ({ servers }) => `no request is answered by ${servers.map(who).join(' or ')}`,
  share: ({ of, within }) => `requests are shared ${of.join(':')}, give or take ${within}`,
  'two owners': (of) => `both directors have an address for no longer than ${limitText(of['at most'])} in all`,
  'no owner': (of) => `no director has an address for no longer than ${limitText(of['at most'])} in all`,
  'take-overs': ({ exactly, 'at most': most }) => {
    if (exactly === 0 || most === 0) return 'the address is never taken over'
    return `the address is taken over ${exactly === undefined ? `at most ${count(most ?? 0, 'time')}` : count(exactly, 'time')}`
  },
  'log lines': ({ of, 'at most': most }) => `the log of ${who(of)} has at most ${count(most, 'line')} a second`,
  'log never': ({ of, says }) => `the log of ${who(of)} never says ${says.source}`,
  'never called': ({ of, command }) => `${who(of)} never runs ${command}`,
  memory: ({ of, 'at most': most }) => `the memory of ${who(of)} grows by ${most} % at most`,
}

/** What a claim says. */
export function claimSentence({ type, arguments: of }: Claim): string {
  // The table has made both from one entry.
  const sentence = { ...CONDITION_SENTENCES, ...FIGURE_SENTENCES }[type] as (of: unknown) => string
  return sentence(of)
}

const ACTION_SENTENCES: Sentences<ActionStep, 'action', ActionName> = {
  wait: ({ for: time }) => `wait ${durationText(time)}`,
  'wait for': ({ until: { condition, within } }) =>
    `wait until ${claimSentence(condition)}; within ${limitText(within)}`,
  claim: ({ that }) => `claim that ${claimSentence(that)}`,
  say: ({ text }) => `say: ${text}`,
  measure: ({ part }) => `measure from here on: ${part}`,
  run: ({ on, command }) => `run on ${who(on)}: ${command}`,
  start: ({ of }) => `start the daemon of ${who(of)}`,
  stop: ({ of }) => `stop the daemon of ${who(of)} in order`,
  kill: ({ of, process }) => `kill ${processes(process, of)}`,
  release: ({ of }) => `release the virtual addresses of ${who(of)}, as systemd does after a crash`,
  freeze: ({ of, process, for: time }) =>
    `freeze ${processes(process, of)}${time === undefined ? '' : ` for ${durationText(time)}`}`,
  thaw: ({ of, process }) => `let ${processes(process, of)} go on`,
  starve: ({ of, to }) => `leave ${who(of)} ${to} % of a processor`,
  feed: ({ of }) => `give ${who(of)} all of the processor again`,
  'limit files': ({ of, to }) => `leave each process of ${who(of)} ${to} open files`,
  'block log': ({ of }) => `stop reading the log of ${who(of)}`,
  'unblock log': ({ of }) => `read the log of ${who(of)} again`,
  'pull cable': ({ of, at: port, way }) => `pull the cable of ${who(of)}${at(port)}${WAYS[way]}`,
  'plug cable': ({ of }) => `plug the cable of ${who(of)} in again`,
  'take link down': ({ of, at: port }) => `set the interface of ${who(of)} down${at(port)}`,
  'bring link up': ({ of, at: port }) => `set the interface of ${who(of)} up again${at(port)}`,
  disturb: ({ of, at: port, way, lose, delay, jitter, duplicate, corrupt, reorder }) => {
    const effects = [
      lose === undefined ? [] : `${lose} % are lost`,
      delay === undefined ? [] : `each is ${durationText(delay)} late`,
      jitter === undefined ? [] : `more or less by ${durationText(jitter)}`,
      duplicate === undefined ? [] : `${duplicate} % come twice`,
      corrupt === undefined ? [] : `${corrupt} % are damaged`,
      reorder === undefined ? [] : `${reorder} % overtake others`,
    ].flat()
    return `disturb the packets of ${who(of)}${at(port)}${WAYS[way]}: ${effects.join(', ')}`
  },
  calm: ({ of }) => `end the disturbance of ${who(of)}`,
  separate: ({ deaf }) =>
    deaf === 'both'
      ? 'keep the directors from hearing each other'
      : `keep ${who(deaf)} from hearing the other director`,
  join: ({ deaf }) =>
    deaf === 'both' ? 'let the directors hear each other again' : `let ${who(deaf)} hear the other director again`,
  'break server': ({ server, how }) => `break ${who(server)}: it ${BREAKS[how]}`,
  'mend server': ({ server }) => `mend ${who(server)}`,
  'flap server': ({ server, every, for: time }) =>
    `let ${who(server)} fail and come back every ${durationText(every)}, for ${durationText(time)}`,
  drain: ({ server, on }) => `drain ${who(server)} on ${who(on)}`,
  undrain: ({ server, on }) => `end draining ${who(server)} on ${who(on)}`,
  'script says': ({ name, of, status, hangs, prints, forks }) => {
    const ends = hangs ? 'never ends' : `ends with status ${status ?? 0}`
    const more = [
      prints === undefined ? [] : `prints ${prints} MiB`,
      forks === undefined ? [] : `leaves ${count(forks, 'process', 'processes')} behind`,
    ].flat()
    return `from now on ${name} ${[...more, ends].join(', ')} on ${who(of)}`
  },
  'change file': ({ of, replace, by }) =>
    `in the configuration file of ${who(of)} replace ${replace.source} by ${by.trim()}`,
  'write file': ({ of, text }) =>
    `write ${text === '' ? 'an empty configuration file' : 'another configuration file'} for ${who(of)}`,
  'remove file': ({ of }) => `remove the configuration file of ${who(of)}`,
  'restore file': ({ of }) => `write the configuration file of ${who(of)} as it was`,
  reload: ({ of, expect, times }) =>
    `reload ${who(of)}${times === 1 ? '' : ` ${times} times in a row`}${expect === 'refused' ? ', which is to be refused' : expect === 'either' ? ', whether it is taken or refused' : ''}`,
  'hand over': ({ of }) => `hand the roles of ${who(of)} over`,
  'take back': ({ of }) => `let ${who(of)} take its roles back`,
  upgrade: ({ of }) => `upgrade the daemon of ${who(of)} in place`,
  maintain: ({ of, on }) => (on ? `keep ${who(of)} out of all roles` : `let ${who(of)} take roles again`),
  'remove address': ({ of, address }) => `remove ${address ?? 'the first virtual address'} from ${who(of)} by hand`,
  'claim address': ({ address }) => `let a stranger take ${address ?? 'the first virtual address'}`,
  'unclaim address': () => 'let the stranger give the address back',
  'send adverts': ({ priority, times, every, interval, replayed }) =>
    replayed
      ? `let a stranger send ${count(times, 'recorded advert')} again`
      : `let a stranger send ${count(times, 'advert')} of priority ${priority}${times === 1 ? '' : ` every ${durationText(every)}`}${interval === undefined ? '' : `, which names an interval of ${durationText(interval)}`}`,
  flood: ({ with: what, rate, for: time }) =>
    `flood the network with ${rate} ${what === 'syn' ? 'requests to open connections' : 'adverts'} a second, for ${durationText(time)}`,
}

/** What a step does, without a full stop. */
export function stepSentence({ action, arguments: of }: ActionStep): string {
  return (ACTION_SENTENCES[action] as (of: unknown) => string)(of)
}

const TRAFFIC_SENTENCES: Sentences<Traffic, 'type', Traffic['type']> = {
  probe: ({ through }) =>
    through === 'icmp'
      ? 'a ping of the virtual address each millisecond'
      : `a probe each millisecond${through === 'auto' ? '' : ` by ${through.toUpperCase()}`} through a virtual server${through === 'auto' ? ', or a ping where there is none' : ''}`,
  requests: ({ every }) => `a request over a new connection each ${durationText(every)}`,
  connections: ({ count: number, every }) =>
    `${count(number, 'connection')} that stay${number === 1 ? 's' : ''} open, with a request each ${durationText(every)}`,
}

export function trafficSentence({ type, arguments: of }: Traffic): string {
  return (TRAFFIC_SENTENCES[type] as (of: unknown) => string)(of)
}
