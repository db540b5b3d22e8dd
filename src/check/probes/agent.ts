import { stripVTControlCharacters } from 'node:util'
import type { Check } from '../../model/check.ts'
import { connectTcp } from '../source.ts'
import type { Note } from '../steps.ts'
import { type AgentSaid, agentText, agentVerdict, hear, NOTHING_SAID } from '../agent-words.ts'
import { failureOf, type Finding, notAsked } from './finding.ts'

type AgentCheck = Extract<Check, { type: 'AGENT_CHECK' }>

/** Longest line of an agent, in bytes. */
const LONGEST_LINE = 1024

/** Characters of it that a reason shows. */
const SHOWN = 100

/** What came of one question to an agent, and what holds from now on. */
export interface AgentAnswer {
  readonly finding: Finding
  readonly said: AgentSaid
}

/**
 * Connects to an agent, sends what is to be sent, and takes its first line. `before` is what it has said so far. As with HAProxy an agent that
 * is not there, or whose line has no end, changes nothing.
 */
export async function askAgent(check: AgentCheck, before: AgentSaid, note?: Note): Promise<AgentAnswer> {
  try {
    const line = await firstLine(check, note)
    if (line === undefined) return { finding: unheard('the agent ended without a whole line', before), said: before }
    if (line.length > LONGEST_LINE) {
      return { finding: unheard(`the agent's line is longer than ${LONGEST_LINE} bytes`, before), said: before }
    }
    note?.(`the agent says: ${printable(line)}`)
    const { said, unknown } = hear(before, line)
    const ignored = unknown.length === 0 ? '' : `; not understood: ${printable(unknown.join(' '))}`
    return { finding: { ...agentVerdict(said), reason: printable(agentText(said)) + ignored }, said }
  } catch (error) {
    const failure = failureOf(error, check.timeout)
    if (failure.up === undefined) return { finding: failure, said: before }
    return { finding: unheard(`the agent does not answer: ${failure.reason}`, before), said: before }
  }
}

/** One that has never said anything has nothing to hold. */
function unheard(why: string, said: AgentSaid): Finding {
  if (said === NOTHING_SAID) return notAsked(why)
  return { ...agentVerdict(said), unheard: true, reason: `${why}; it has said: ${printable(agentText(said))}` }
}

/** Up to the first CR or LF; undefined when there is none. Cut when it is too long. Rejects with what the connection fails with. */
async function firstLine(check: AgentCheck, note: Note): Promise<string | undefined> {
  const socket = await connectTcp(check, check.timeout, note)
  try {
    if (check.send !== '') {
      socket.write(Buffer.from(check.send, 'utf8'))
      note?.(`sends ${printable(check.send)}`)
    }
    let heard = Buffer.alloc(0)
    // A socket is a byte stream; its declared element type is `any`.
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      heard = Buffer.concat([heard, chunk])
      const end = heard.findIndex((byte) => byte === 0x0a || byte === 0x0d)
      if (end >= 0) return heard.toString('latin1', 0, end)
      if (heard.length > LONGEST_LINE) return heard.toString('latin1')
    }
    return undefined
  } finally {
    socket.destroy()
  }
}

function printable(text: string): string {
  const plain = stripVTControlCharacters(text).replace(/[^\x20-\x7e]+/g, '?')
  return plain.length <= SHOWN ? plain : `${plain.slice(0, SHOWN - 1)}…`
}
