import { isIPv6 } from 'node:net'
import type { Check } from '../../model/check.ts'
import type { Note } from '../steps.ts'
import { type Conversation, converse, takeLine, WrongAnswer } from './conversation.ts'
import { type Finding, good } from './finding.ts'
import { shown } from './shown.ts'

/** BOUNDED: lines of one answer. */
const MOST_LINES = 128

/** An answer of SMTP (RFC 5321 §4.2). */
interface Reply {
  readonly code: number
  /** Behind the code, without the end of the line. */
  readonly lines: readonly string[]
}

/**
 * A mail server greets with 220, answers HELO by 250, and QUIT by whatever, as in keepalived. With `starttls` it also has to offer STARTTLS
 * and speak TLS.
 */
export const probeSmtp = (check: Extract<Check, { type: 'SMTP_CHECK' }>, note?: Note): Promise<Finding> =>
  converse(check, note, async (conversation) => {
    const ask = async (command: string, code: number) => {
      conversation.send(`${command}\r\n`)
      const [verb = command] = command.split(' ', 1)
      return expectCode(code, `answer to ${verb}`, await readReply(conversation, `the answer to ${verb}`))
    }
    const name = check.heloName ?? addressLiteral(conversation.localAddress)
    const greeting = expectCode(220, 'greeting', await readReply(conversation, 'the greeting'))
    let tls = ''
    if (check.startTls) {
      const { lines } = await ask(`EHLO ${name}`, 250)
      // The first line is the server's name.
      if (!lines.slice(1).some((line) => /^STARTTLS\s*$/i.test(line))) throw new WrongAnswer('no STARTTLS is offered')
      await ask('STARTTLS', 220)
      tls = `, ${await conversation.startTls()}`
      await ask(`EHLO ${name}`, 250)
    } else {
      await ask(`HELO ${name}`, 250)
    }
    conversation.send('QUIT\r\n')
    await readReply(conversation, 'the answer to QUIT')
    return good(`220 ${shown(greeting.lines[0] ?? '')}${tls}`)
  })

/** RFC 5321 §4.1.3: how a host without a name is called. */
const addressLiteral = (address: string) => (isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`)

function expectCode(code: number, what: string, reply: Reply): Reply {
  if (reply.code === code) return reply
  throw new WrongAnswer(`the ${what} is ${reply.code} ${shown(reply.lines[0] ?? '')}`.trimEnd())
}

async function readReply(conversation: Conversation, what: string): Promise<Reply> {
  const lines: string[] = []
  for (let first: string | undefined; lines.length < MOST_LINES;) {
    const line = await conversation.receive(what, takeLine)
    const [, code, more, text = ''] = /^(\d{3})(?:([- ])(.*))?$/s.exec(line) ?? []
    if (code === undefined || code !== (first ?? code)) throw new WrongAnswer(`${what} is not SMTP: ${shown(line)}`)
    first = code
    lines.push(text)
    if (more !== '-') return { code: Number(code), lines }
  }
  throw new WrongAnswer(`more than ${MOST_LINES} lines, waiting for the end of ${what}`)
}
