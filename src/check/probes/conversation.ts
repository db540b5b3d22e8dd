import type { Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { CheckSchedule } from '../../model/check.ts'
import { connectTcp } from '../source.ts'
import type { Note } from '../steps.ts'
import { bad, failureOf, type Finding } from './finding.ts'
import { shown } from './shown.ts'
import { tlsText } from './tls.ts'

/** BOUNDED: bytes of a server that wait for the rest of what they are to be. More are not read, and make the probe fail. */
export const LONGEST_WAITING = 16 * 1024

/** What the bytes so far come to, and how many of them that is; undefined: more are needed. */
export type Taken<T> = { readonly value: T; readonly length: number } | undefined

/** The server says something else than it should. The message is the reason. */
export class WrongAnswer extends Error {}

/**
 * Talks to a server over one TCP connection, within the deadline of the check: from connecting to the last byte that is looked at. Rejects
 * with what connecting fails with; what goes wrong afterwards is a finding that names what was waited for.
 */
export async function converse(
  check: CheckSchedule,
  note: Note,
  talk: (conversation: Conversation) => Promise<Finding>,
): Promise<Finding> {
  const conversation = new Conversation(await connectTcp(check, check.timeout, note), note)
  try {
    return await talk(conversation)
  } catch (error) {
    if (error instanceof WrongAnswer) return bad(error.message)
    const finding = failureOf(error, check.timeout)
    return { ...finding, reason: `${finding.reason}, waiting for ${conversation.awaited}` }
  } finally {
    conversation.close()
  }
}

/** A connection by which one side asks and the other answers. */
export class Conversation {
  /** In words for people. */
  awaited = 'nothing'
  readonly #plain: Socket
  readonly #note: Note
  #socket: Socket | TLSSocket
  #bytes = Buffer.alloc(0)
  /** What the connection has ended with. */
  #end: Error | 'closed' | undefined
  #wake = () => {}

  constructor(socket: Socket, note: Note) {
    this.#plain = socket
    this.#note = note
    this.#socket = socket
    this.#listen()
  }

  /** Address of this host that the connection comes from. */
  get localAddress(): string {
    return this.#plain.localAddress ?? ''
  }

  send(bytes: Uint8Array | string): void {
    this.#note?.(`sends ${typeof bytes === 'string' ? saidText(Buffer.from(bytes)) : `${bytes.length} bytes`}`)
    this.#socket.write(bytes)
  }

  /** Waits until `take` finds what it looks for at the beginning of what the server has said since the last time. */
  async receive<T>(what: string, take: (bytes: Buffer) => Taken<T>): Promise<T> {
    this.awaited = what
    for (;;) {
      const taken = take(this.#bytes)
      if (taken !== undefined) {
        this.#note?.(`${what}: ${saidText(this.#bytes.subarray(0, taken.length))}`)
        this.#bytes = this.#bytes.subarray(taken.length)
        this.#socket.resume()
        return taken.value
      }
      if (this.#end === 'closed') throw new WrongAnswer(`the connection was closed, waiting for ${what}`)
      if (this.#end !== undefined) throw this.#end
      if (this.#bytes.length >= LONGEST_WAITING) {
        throw new WrongAnswer(`more than ${LONGEST_WAITING} bytes, waiting for ${what}`)
      }
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Goes on in TLS, whatever the server's certificate is. Resolves to the version of TLS. */
  async startTls(): Promise<string> {
    // They would count as said in TLS (the mistake of CVE-2011-0411).
    if (this.#bytes.length > 0) throw new WrongAnswer('there is clear text where TLS should begin')
    this.awaited = 'TLS'
    this.#plain.removeAllListeners('data')
    const secure = connectTls({ socket: this.#plain, rejectUnauthorized: false })
    this.#socket = secure
    this.#listen()
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve)
      secure.once('error', reject)
      // The deadline ends the connection below.
      this.#plain.once('error', reject)
    })
    this.#note?.(tlsText(secure))
    return secure.getProtocol() ?? 'TLS'
  }

  close(): void {
    this.#socket.destroy()
    this.#plain.destroy()
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      if (this.#bytes.length >= LONGEST_WAITING) socket.pause()
      this.#wake()
    })
    const ended = (end: Error | 'closed') => {
      this.#end ??= end
      this.#wake()
    }
    socket.on('error', ended)
    socket.on('end', () => ended('closed'))
    socket.on('close', () => ended('closed'))
  }
}

/** Text as it is, and of what is none how much it is. */
function saidText(bytes: Buffer): string {
  const text = bytes.toString('latin1').trimEnd()
  return /^[ -~]*$/.test(text) ? `\`${shown(text)}\`` : `${bytes.length} bytes`
}

/** A line, up to a line feed; there need not be a carriage return before it. */
export function takeLine(bytes: Buffer): Taken<string> {
  const end = bytes.indexOf('\n')
  if (end < 0) return undefined
  return { value: bytes.toString('latin1', 0, end).replace(/\r$/, ''), length: end + 1 }
}
