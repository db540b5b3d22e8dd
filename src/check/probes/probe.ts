import type { Check } from '../../model/check.ts'
import { millis } from '../../time.ts'
import { type Answer, LONGEST_REASON } from '../health.ts'
import { NOTHING_SAID } from '../agent-words.ts'
import type { Note } from '../steps.ts'
import { askAgent } from './agent.ts'
import { probeDns } from './dns.ts'
import { failureOf, type Finding } from './finding.ts'
import { probeHttp } from './http.ts'
import { probePing } from './ping.ts'
import { probeSmtp } from './smtp.ts'
import { probeTalk } from './talk.ts'
import { probeTcp } from './tcp.ts'
import { probeUdp } from './udp.ts'

/** Asks a server once, and has the answer before the deadline of the check. Counts nothing and remembers nothing. `note`: for who watches. */
export async function probe(check: Check, note?: Note): Promise<Answer> {
  return await timed(async () => await ask(check, note), check)
}

/**
 * Asks a server again and again, as `probe` does; and what its agent has said once holds until it says something else, as HAProxy has it.
 */
export function prober(check: Check): () => Promise<Answer> {
  if (check.type !== 'AGENT_CHECK') return async () => await probe(check)
  let said = NOTHING_SAID
  const askAgain = async () => {
    const answer = await askAgent(check, said)
    ;({ said } = answer)
    return answer.finding
  }
  return async () => await timed(askAgain, check)
}

async function timed(asking: () => Promise<Finding>, { timeout }: Check): Promise<Answer> {
  const begun = performance.now()
  const finding = await asking().catch((error: unknown) => failureOf(error, timeout))
  return { ...bounded(finding), duration: millis(performance.now() - begun) }
}

function bounded(finding: Finding): Finding {
  const reason = cut(finding.reason)
  if (finding.up === undefined || finding.warning === undefined) return { ...finding, reason }
  return { ...finding, reason, warning: cut(finding.warning) }
}

const cut = (text: string): string => (text.length <= LONGEST_REASON ? text : `${text.slice(0, LONGEST_REASON - 1)}…`)

/** Rejects with what a connection fails with. */
async function ask(check: Check, note: Note): Promise<Finding> {
  switch (check.type) {
    case 'PING_CHECK':
      return probePing(check, note)
    case 'TCP_CHECK':
      return check.talk === undefined ? probeTcp(check, note) : probeTalk(check, check.talk, note)
    case 'UDP_CHECK':
      return probeUdp(check, note)
    case 'DNS_CHECK':
      return probeDns(check, note)
    case 'SMTP_CHECK':
      return probeSmtp(check, note)
    case 'HTTP_GET':
    case 'SSL_GET':
      return probeHttp(check, note)
    case 'AGENT_CHECK':
      return (await askAgent(check, NOTHING_SAID, note)).finding
  }
}
