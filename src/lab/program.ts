import type { Millis } from '../time.ts'
import type { FromProgram, ToProgram } from './agent-protocol.ts'
import { monotonicNow } from './monotonic.ts'

/** Says something unasked. BOUNDED by the agent's output. `at`: by the clock of this machine; now without. */
export function tell(event: unknown, at: Millis = monotonicNow()): void {
  send({ type: 'event', event, at })
}

/**
 * Makes this process a program of an agent: `answer` is asked questions, one after the other or several at a time; what it throws is
 * told as a refusal. Says that the program works, and ends it when the agent lets go of it.
 */
export function work(answer: (question: unknown) => unknown): void {
  process.on('disconnect', () => process.exit())
  // They come to all processes of a terminal; the agent is who ends its programs.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('message', ({ id, question }: ToProgram) => void answerOne(id, question, answer))
  send({ type: 'ready' })
}

async function answerOne(id: number, question: unknown, answer: (question: unknown) => unknown): Promise<void> {
  try {
    send({ type: 'answer', id, answer: await answer(question) })
  } catch (error) {
    send({ type: 'failed', id, reason: error instanceof Error ? error.message : String(error) })
  }
}

function send(message: FromProgram): void {
  // The agent may just have let go.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}
