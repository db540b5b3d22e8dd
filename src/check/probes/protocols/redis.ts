import { type Conversation, takeLine } from '../conversation.ts'
import { bad, type Finding, good } from '../finding.ts'
import { shown } from '../shown.ts'

/** PING. A server that asks for a password first serves those who have one; whatever else it complains of, it serves nobody. */
export async function askRedis(conversation: Conversation): Promise<Finding> {
  conversation.send('PING\r\n')
  const line = await conversation.receive('the answer to PING', takeLine)
  return line === '+PONG' || line.startsWith('-NOAUTH ')
    ? good(shown(line))
    : bad(`the answer to PING is ${shown(line)}`)
}
