import type { Conversation } from '../conversation.ts'
import { type Finding, good } from '../finding.ts'

/** Sends these bytes and waits until the server has said those, whatever is around them. Both in hexadecimal. */
export async function exchangeBytes(
  conversation: Conversation,
  { send, expect }: { readonly send: string | undefined; readonly expect: string | undefined },
): Promise<Finding> {
  if (send !== undefined) conversation.send(Buffer.from(send, 'hex'))
  if (expect === undefined) return good('connected')
  const wanted = Buffer.from(expect, 'hex')
  await conversation.receive('the bytes that are expected', (bytes) =>
    bytes.includes(wanted) ? { value: undefined, length: bytes.length } : undefined,
  )
  return good('the bytes that are expected')
}
