/** What happens to a director, beside what it tracks and to whom it tells what. */
export type Action =
  /** From its next run on, a check script ends like this. Done a fixed time after a run has begun, so that it is always the same time before the next one. */
  | {
      readonly type: 'script'
      readonly name: string
      readonly ends: ScriptEnd
      /** Nobody hangs on it, so that it need not run at all. */
      readonly unheeded?: true
    }
  /** The director's own interface is set up or down. */
  | { readonly type: 'link'; readonly name: Interface; readonly state: 'up' | 'down' }
  /** Its cable is unplugged at the switch, or plugged in. */
  | { readonly type: 'cable'; readonly name: Interface; readonly state: 'up' | 'down' }
  /** Any other commands of `ip` on the director. */
  | { readonly type: 'ip'; readonly commands: readonly string[] }
  | { readonly type: 'write'; readonly file: string; readonly text: string }
  | { readonly type: 'remove'; readonly file: string }
  /** A process whose name is `processName` of this name. */
  | { readonly type: 'run'; readonly name: string; readonly args?: readonly string[] }
  /** `kill -9` of the oldest process of that name. */
  | { readonly type: 'kill'; readonly name: string }
  | { readonly type: 'reload'; readonly config: string }
  /** The two directors do not hear each other any more, though both have a carrier. */
  | { readonly type: 'part' }
  | { readonly type: 'join' }
  /** The peer does not hear the director any more, which hears the peer. */
  | { readonly type: 'deafen' }
  | { readonly type: 'peer'; readonly priority: number | 'stopped' }
  | { readonly type: 'stop'; readonly signal: 'SIGTERM' | 'SIGINT' }

/** With an exit status, by a signal that it sends to itself, or not at all. */
export type ScriptEnd = number | 'killed' | 'never'

export type Interface = 'eth0' | 'eth1'

export interface Step {
  readonly does: Action
  /** How long it is watched, in ms, until the next step. */
  readonly lasts: number
}

export type Channel = 'scripts' | 'pipe' | 'addresses' | 'adverts' | 'exit'

/** The same file and the same events for keepalived and Tanist, and one peer for each of them. */
export interface Sequence {
  readonly name: string
  /** A `configuration`. Its folder, `HERE`, has the programs that it names. */
  readonly config: string
  /** Of the peer, for each of its instances; 100 unless it is said. */
  readonly peer?: number
  /** How many instances there are, numbered from `VRID` on. */
  readonly instances?: 1 | 2
  /** Before the start: what scripts, files and processes there are. A script that is not named here succeeds. */
  readonly before?: readonly Action[]
  /** How long the start is watched, in ms. */
  readonly settles?: number
  /** A stop with SIGTERM follows. */
  readonly steps: readonly Step[]
  readonly signal?: 'SIGTERM' | 'SIGINT'
  /** What is told several times in a row counts as told once: how often is chance. */
  readonly repeats?: true
  /** By how much the times may differ more than by one interval, in ms. */
  readonly slack?: number
  /** Where Tanist is meant to differ. */
  readonly byDesign?: readonly Departure[]
}

/** What Tanist tells in one step by one channel, instead of what keepalived tells. */
export interface Departure {
  /** 0 is the start. */
  readonly step: number
  readonly channel: Channel
  readonly tells: readonly string[]
  readonly why: string
}

/** A line for people. */
export function describeAction(action: Action): string {
  switch (action.type) {
    case 'script':
      return `script ${action.name} ends: ${action.ends}`
    case 'link':
      return `${action.name} is set ${action.state}`
    case 'cable':
      return `cable of ${action.name} is ${action.state}`
    case 'ip':
      return `ip ${action.commands.join(', ip ')}`
    case 'write':
      return `${action.file} has ${JSON.stringify(action.text)}`
    case 'remove':
      return `${action.file} is removed`
    case 'run':
      return `process ${[action.name, ...(action.args ?? [])].join(' ')} is started`
    case 'kill':
      return `process ${action.name} is killed`
    case 'reload':
      return 'reload'
    case 'part':
      return 'the directors do not hear each other'
    case 'join':
      return 'the directors hear each other again'
    case 'deafen':
      return 'the peer does not hear the director'
    case 'peer':
      return action.priority === 'stopped' ? 'the peer stops' : `the peer has priority ${action.priority}`
    case 'stop':
      return `stop by ${action.signal}`
  }
}
