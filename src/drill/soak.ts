import type { Config } from '../model/config.ts'
import type { Check } from '../model/check.ts'
import { seconds } from '../time.ts'
import { dice } from '../simulate/dice.ts'
import type { Promises } from './promises.ts'

/** What a pair has that faults can be about. */
export interface SoakFacts {
  readonly servers: number
  /** What `script says` takes, of each director. */
  readonly scripts: readonly string[]
  /** A weight of a real server stands in both files. */
  readonly hasWeights: boolean
  /** `recovery`: from when checks work again until they have found all servers good. */
  readonly seconds: { readonly takeover: number; readonly recovery: number }
}

/** A drill that chance has made: the text of its file. */
export interface RandomDrill {
  readonly text: string
  readonly name: string
}

type Pick = (limit: number) => number

/** What is done and taken back, and what that may cost a pair that does what it promises. */
interface Part {
  readonly steps: readonly string[]
  /** In seconds, besides a take-over; undefined: no probe is lost. */
  readonly outage: number | undefined
  /** Somebody else may become master. */
  readonly moves?: true
  /** Checks may not get through, so that good servers are taken out. */
  readonly cutsChecks?: true
  /** Connections may break although the role stays. */
  readonly breaks?: true
  /** The master gets an address again that it had: that counts as a take-over. */
  readonly regains?: true
  /** Some answers are wrong. */
  readonly lies?: true
}

interface Fault {
  readonly name: string
  readonly needs?: (facts: SoakFacts) => boolean
  readonly part: (pick: Pick, facts: SoakFacts) => Part
}

const oneOf = <T>(pick: Pick, ...choices: readonly [T, ...T[]]): T => choices[pick(choices.length)] ?? choices[0]
const director = (pick: Pick) => oneOf(pick, 'active', 'standby')
/** From a tenth to six seconds: shorter and longer than a master may be silent. */
const span = (pick: Pick) => (1 + pick(60)) / 10
const inMs = (time: number) => `${Math.round(time * 1000)} ms`
const pause = (time: number) => `wait: ${inMs(time)}`

const running = (of: string, process = 'all') =>
  `wait for: { process: { of: ${of}, process: ${process}, is: running }, within: 20 s }`
/** Its processes are back after this, and a fault that follows finds them. */
const started = (of: string) => [`start: ${of}`, running(of, 'vrrp'), running(of, 'check')]

const AGAIN = 'wait for: { master: active, within: 40 s }'

const hasServers = ({ servers }: SoakFacts) => servers > 0
const server = (pick: Pick, { servers }: SoakFacts) => `server ${1 + pick(servers)}`

/** Nothing of it goes through for a while, and checks neither. */
function during(pick: Pick, begin: string, end: string): Part {
  const time = span(pick)
  return { steps: [begin, pause(time), end], outage: time, moves: true, cutsChecks: true }
}

/** Nobody needs the standby as long as it believes that the master is there. */
const unlessStandby = (of: string, { steps, ...cost }: Part): Part =>
  of === 'standby' ? { steps, outage: undefined } : { steps, ...cost }

/** Of each kind as often as of another. One director at a time, and each is well again at the end: a pair survives no more than that. */
const FAULTS: readonly Fault[] = [
  {
    name: 'cable',
    part: (pick) => {
      const [of, way] = [director(pick), oneOf(pick, 'both', 'in', 'out')]
      const part = during(pick, `pull cable: { of: ${of}, way: ${way} }`, `plug cable: ${of}`)
      // Who is deaf believes that nobody is there.
      return way === 'in' ? part : unlessStandby(of, { ...part, outage: 0.5 })
    },
  },
  {
    name: 'link down',
    part: (pick) => {
      const of = director(pick)
      const part = during(pick, `take link down: { of: ${of} }`, `bring link up: { of: ${of} }`)
      return unlessStandby(of, { ...part, outage: 0.5 })
    },
  },
  {
    name: 'process killed',
    part: (pick, facts) => {
      const of = director(pick)
      const process = hasServers(facts) ? oneOf(pick, 'vrrp', 'check') : 'vrrp'
      return { steps: [`kill: { of: ${of}, process: ${process} }`, running(of, process)], outage: undefined }
    },
  },
  {
    name: 'director killed',
    part: (pick) => {
      const of = director(pick)
      const steps = [`kill: ${of}`, `release: ${of}`, pause(span(pick)), ...started(of)]
      return unlessStandby(of, { steps, outage: 0.5, moves: true, cutsChecks: true })
    },
  },
  {
    name: 'stop and start',
    part: (pick) => {
      const of = director(pick)
      const steps = [`stop: ${of}`, pause(span(pick)), ...started(of)]
      return unlessStandby(of, { steps, outage: 0.2, moves: true, cutsChecks: true })
    },
  },
  {
    name: 'frozen',
    part: (pick, facts) => {
      const processes = hasServers(facts)
        ? oneOf(pick, 'all', 'vrrp', 'check', 'director')
        : oneOf(pick, 'all', 'vrrp', 'director')
      const of = director(pick)
      const step = `freeze: { of: ${of}, process: ${processes}, for: ${inMs(span(pick))} }`
      return unlessStandby(of, { steps: [step], outage: 0.5, moves: true, cutsChecks: true })
    },
  },
  {
    name: 'upgrade',
    part: (pick) => {
      const of = director(pick)
      return { steps: [`upgrade: ${of}`, running(of, 'vrrp'), running(of, 'check')], outage: undefined }
    },
  },
  {
    name: 'bad network',
    part: (pick) => {
      const of = director(pick)
      const [way, how] = [
        oneOf(pick, 'both', 'in', 'out'),
        oneOf(pick, 'lose: 10 %', 'lose: 40 %', 'delay: 50 ms, jitter: 40 ms', 'duplicate: 50 %', 'corrupt: 5 %'),
      ]
      return { ...during(pick, `disturb: { of: ${of}, way: ${way}, ${how} }`, `calm: ${of}`), breaks: true }
    },
  },
  {
    name: 'directors separated',
    part: (pick) => during(pick, `separate: ${oneOf(pick, 'both', 'active', 'standby')}`, 'join: both'),
  },
  {
    name: 'server broken',
    needs: hasServers,
    part: (pick, facts) => {
      const which = server(pick, facts)
      const how = oneOf(pick, 'refuse', 'silent', 'slow', 'error', 'gone')
      const { steps, outage } = during(pick, `break server: { server: ${which}, how: ${how} }`, `mend server: ${which}`)
      return {
        steps,
        outage,
        cutsChecks: true,
        breaks: true,
        ...(['error', 'slow'].includes(how) ? { lies: true } : {}),
      }
    },
  },
  {
    name: 'server flaps',
    needs: hasServers,
    part: (pick, facts) => {
      const step = `flap server: { server: ${server(pick, facts)}, every: 500 ms, for: 3 s }`
      return { steps: [step], outage: 3, cutsChecks: true, breaks: true }
    },
  },
  {
    name: 'drain',
    needs: hasServers,
    part: (pick, facts) => {
      const which = server(pick, facts)
      return { steps: [`drain: ${which}`, pause(span(pick)), `undrain: ${which}`], outage: undefined }
    },
  },
  {
    name: 'reload',
    part: (pick) => ({ steps: [`reload: { of: both, times: ${1 + pick(20)} }`], outage: undefined }),
  },
  {
    name: 'other weights',
    needs: ({ hasWeights }) => hasWeights,
    part: (pick) => {
      const of = oneOf(pick, 'active', 'standby', 'both')
      const change = `change file: { of: ${of}, replace: 'weight \\d+', by: weight ${1 + pick(9)} }`
      return {
        steps: [change, `reload: ${of}`, pause(span(pick)), `restore file: ${of}`, `reload: ${of}`],
        outage: undefined,
      }
    },
  },
  {
    name: 'broken file',
    part: (pick) => {
      const of = director(pick)
      const breaking = oneOf(
        pick,
        `write file: { of: ${of}, text: "vrrp_instance {{{" }`,
        `remove file: ${of}`,
        `write file: { of: ${of}, text: "no_such_keyword" }`,
      )
      const steps = [breaking, `reload: { of: ${of}, expect: either }`, `restore file: ${of}`, `reload: ${of}`]
      return { steps: breaking.includes('no_such') ? steps.toSpliced(1, 1) : steps, outage: undefined }
    },
  },
  {
    name: 'address removed',
    part: () => ({ steps: [AGAIN, 'remove address: active', 'wait: 1 s'], outage: 0.3, regains: true }),
  },
  {
    name: 'address claimed',
    // A client asks again whether the stranger is there five seconds after it has believed it. When it is gone by then the client is back soon.
    part: (pick) => {
      const time = Math.min(span(pick), 3.5)
      const steps = ['claim address: {}', pause(time), 'unclaim address: {}', 'wait: 10 s']
      return { steps, outage: time + 10, breaks: true }
    },
  },
  {
    name: 'hand-over',
    part: (pick) => ({
      steps: [
        AGAIN,
        'wait for: { state: { of: standby, is: backup }, within: 20 s }',
        'hand over: active',
        pause(span(pick)),
        'take back: active',
      ],
      outage: 0.1,
      moves: true,
    }),
  },
  {
    name: 'maintenance',
    part: (pick) => {
      const of = director(pick)
      const steps = [`maintain: { of: ${of}, on: yes }`, pause(span(pick)), `maintain: { of: ${of}, on: no }`]
      return unlessStandby(of, { steps, outage: 0.1, moves: true })
    },
  },
  {
    name: 'starved',
    part: (pick) => {
      const of = director(pick)
      return during(pick, `starve: { of: ${of}, to: ${oneOf(pick, '5 %', '20 %')} }`, `feed: ${of}`)
    },
  },
  {
    name: 'script fails',
    needs: ({ scripts }) => scripts.length > 0,
    part: (pick, { scripts: [first = '', ...more] }) => {
      const says = `name: ${JSON.stringify(oneOf(pick, first, ...more))}, of: ${director(pick)}`
      const how = oneOf(pick, 'status: 1', 'hangs: yes')
      const steps = [`script says: { ${says}, ${how} }`, pause(span(pick)), `script says: { ${says}, status: 0 }`]
      return { steps, outage: 0.2, moves: true }
    },
  },
  {
    name: 'flood',
    part: (pick, facts) => {
      const kind = hasServers(facts) ? oneOf(pick, 'adverts', 'syn') : 'adverts'
      // Who has missed adverts shows it a take-over later.
      const steps = [`flood: { with: ${kind}, rate: ${1000 * (1 + pick(10))}, for: 2 s }`, 'wait: 2500 ms']
      return { steps, outage: 0.5, moves: true }
    },
  },
  {
    name: 'stranger with a higher priority',
    // Nothing is signed: whoever says that he is better is believed, for as long as he says so.
    part: (pick) => {
      const times = 1 + pick(6)
      const steps = [`send adverts: { priority: 254, times: ${times}, every: 500 ms }`, 'wait: 1 s']
      return { steps, outage: times * 0.5, moves: true }
    },
  },
]

/** The drill of a number in the sequence of a seed: one to three faults, each after the other is over or right upon it; the same in each run. */
export function randomDrill(seed: number, number: number, facts: SoakFacts): RandomDrill {
  const pick = dice(seed * 1_000_003 + number)
  const possible = FAULTS.filter(({ needs }) => needs?.(facts) !== false)
  const isApart = pick(2) === 0
  const faults = Array.from({ length: 1 + pick(3) }, () => possible[pick(possible.length)]).filter(
    (fault) => fault !== undefined,
  )
  const parts = faults.map(({ part }) => part(pick, facts))
  const name = faults.map((fault) => fault.name).join(isApart ? ', later ' : ', then ')
  const back = backAgain(parts, facts)
  const text = [
    `drill: ${JSON.stringify(name)}`,
    `why: chance has made it, seed ${seed}, number ${number}`,
    'traffic:',
    '  - probe: auto',
    ...(hasServers(facts) ? ['  - connections: 5'] : []),
    'steps:',
    ...parts.flatMap(({ steps }) => [...steps, ...(isApart ? back : [])]).map((step) => `  - ${step}`),
    ...(isApart ? [] : back.map((step) => `  - ${step}`)),
    '  - wait: 500 ms',
    'claims:',
    ...claimsOf(parts, isApart, facts).map((claim) => `  - ${claim}`),
    '',
  ].join('\n')
  return { name, text }
}

/** What is waited for until the pair is as it was. */
function backAgain(parts: readonly Part[], facts: SoakFacts): readonly string[] {
  const { recovery } = facts.seconds
  const areCut = hasServers(facts) && parts.some(({ cutsChecks }) => cutsChecks)
  const up = `wait for: { server: { server: all, is: up }, within: ${Math.ceil(recovery) + 20} s }`
  return [AGAIN, ...(areCut ? [up] : [])]
}

function claimsOf(parts: readonly Part[], isApart: boolean, facts: SoakFacts): readonly string[] {
  const moves = parts.some((each) => each.moves)
  const { takeover, recovery } = facts.seconds
  const costs = parts.map(({ outage, moves, cutsChecks }) =>
    outage === undefined ? 0 : outage + (moves ? takeover : 0) + (cutsChecks && hasServers(facts) ? recovery : 0),
  )
  // What comes upon another fault finds a pair that is not whole yet.
  const cost = isApart ? Math.max(...costs) : costs.reduce((sum, each) => sum + each, 0)
  const isFree = parts.every(({ outage }) => outage === undefined)
  return [
    isFree ? 'lost: none' : `outage: ${inMs(cost + 1)}`,
    ...(moves || parts.some(({ regains }) => regains) ? [] : ['take-overs: none']),
    ...(hasServers(facts) && !parts.some(({ lies }) => lies) ? ['wrong answers: none'] : []),
    ...(hasServers(facts) && !moves && !parts.some(({ breaks }) => breaks) ? ['broken connections: none'] : []),
  ]
}

/** A server is up by the first good round of each of its checks after the pause; in seconds. */
function recoveryOf(configs: readonly Config[]): number {
  const checks = configs
    .flatMap(({ virtualServers }) => virtualServers)
    .flatMap(({ realServers }) => realServers)
    .flatMap((real) => real.checks)
    .filter((check): check is Check => 'target' in check)
  const times = checks.map(
    ({ delayLoop, fastInterval = delayLoop, rise = 1, retry, delayBeforeRetry, timeout }) =>
      delayLoop + (rise - 1) * fastInterval + (retry + 1) * timeout + retry * delayBeforeRetry,
  )
  return times.reduce((most, time) => Math.max(most, time), 0) / 1000
}

/** `texts`: the files of both. `servers`: of the lab. */
export function soakFacts(pair: {
  readonly configs: readonly Config[]
  readonly texts: readonly string[]
  readonly servers: number
  readonly promises: Promises
}): SoakFacts {
  const { configs, texts, servers, promises } = pair
  const [first = [], ...others] = configs.map(({ scripts }) => scripts.trackers.scripts.map(({ name }) => name))
  return {
    servers,
    scripts: first.filter((name) => others.every((names) => names.includes(name))),
    hasWeights: texts.every((text) => /weight \d+/.test(text)),
    seconds: { takeover: promises.takeover / seconds(1), recovery: recoveryOf(configs) },
  }
}
