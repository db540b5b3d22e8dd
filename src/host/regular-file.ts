import { Buffer } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { getSystemErrorMessage } from 'node:util'

/** The text of a file, or why there is none. */
export type FileText = { readonly text: string } | { readonly error: string }

const CHUNK_BYTES = 64 * 1024

/**
 * Reads a regular file of at most `limit` bytes, and nothing else: a FIFO, a device or a socket could block the reader,
 * have no end, or do something when it is opened. Never waits for anybody. Byte order marks other than that of UTF-8 are an error.
 */
export function readRegularFile(path: string, limit: number): FileText {
  let descriptor: number | undefined
  try {
    // Opening a device may have effects of its own, so what is no regular file now is not opened at all.
    const before = kindProblem(statSync(path))
    if (before !== undefined) return { error: before }
    // It may have become something else since: hence non-blocking, and a second look at what was opened.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    const problem = kindProblem(fstatSync(descriptor))
    return problem === undefined ? readDescriptor(descriptor, limit) : { error: problem }
  } catch (error) {
    return { error: reasonOf(error) }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Standard input up to its end, at most `limit` bytes. Waits for whoever writes to it. */
export function readStandardInput(limit: number): FileText {
  try {
    return readDescriptor(0, limit)
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

/** Throws what the system says. A size is not asked for: files of /proc say 0, and a file may grow. */
function readDescriptor(descriptor: number, limit: number): FileText {
  const chunks: Buffer[] = []
  let length = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, limit + 1 - length))
    const count = readSync(descriptor, chunk)
    if (count === 0) return decode(Buffer.concat(chunks))
    chunks.push(chunk.subarray(0, count))
    length += count
    if (length > limit) return { error: `it is larger than ${limit} bytes` }
  }
}

/** UTF-8. Where a byte is no part of it, U+FFFD stands in the text; the reader of the text says where. */
function decode(bytes: Buffer): FileText {
  const utf16 = utf16Of(bytes)
  if (utf16 === undefined) return { text: bytes.toString('utf8') }
  return { error: `it is in ${utf16}, not in UTF-8; convert it with \`iconv -f ${utf16} -t UTF-8\`` }
}

/** By its byte order mark; without one, UTF-16 has a zero byte in each of its first characters, on one side. */
function utf16Of(bytes: Buffer): 'UTF-16' | 'UTF-16LE' | 'UTF-16BE' | 'UTF-32' | undefined {
  const mark = bytes.subarray(0, 4).toString('hex')
  if (mark === 'fffe0000' || mark === '0000feff') return 'UTF-32'
  if (mark.startsWith('fffe') || mark.startsWith('feff')) return 'UTF-16'
  const start = bytes.subarray(0, 64)
  const zeros = (side: 0 | 1) => start.every((byte, index) => index % 2 !== side || byte === 0)
  if (start.length < 4 || start.length % 2 !== 0) return undefined
  if (zeros(1) && !zeros(0)) return 'UTF-16LE'
  return zeros(0) && !zeros(1) ? 'UTF-16BE' : undefined
}

/** Why a file of this kind is not read; undefined for a regular one. */
function kindProblem(stat: Stats): string | undefined {
  if (stat.isFile()) return undefined
  if (stat.isDirectory()) return 'it is a directory'
  if (stat.isFIFO()) return 'it is a pipe, not a regular file (`tanistd -t -` reads standard input)'
  if (stat.isSocket()) return 'it is a socket, not a regular file'
  return 'it is a device, not a regular file'
}

/** What the system said of a file, in words: `no such file or directory`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'errno' in error && typeof error.errno === 'number' ? getSystemErrorMessage(error.errno) : error.message
}
