import { createHash } from 'node:crypto'
import type { HttpUrl } from '../../model/check.ts'
import { regexFault } from './body-regex.ts'
import { shown } from './shown.ts'

/** Largest body that is read when the file does not say it. A longer one fails the check instead of filling memory. */
const BODY_LIMIT = 16 * 1024 * 1024
/** Largest body whose JSON is looked at, whatever the file says: a value of three bytes may take twenty times as much of the heap. */
const JSON_LIMIT = 1024 * 1024

/** A body that has been read; what nobody asks for is empty. */
interface Body {
  /** MD5 in hexadecimal. */
  readonly digest: string
  readonly bytes: Buffer
  /** Of all that was read, in bytes. */
  readonly length: number
}

/** Whether a body has to be read at all. */
export const hasBodyTest = ({ body }: HttpUrl): boolean => body !== undefined

/** What it is compared with, for people. */
export function bodyTestText({ body: { digest, contains, json, regex } = {} }: HttpUrl): string {
  return [
    ...(digest === undefined ? [] : [`digest ${digest}`]),
    ...(contains ?? []).map((text) => `text ${JSON.stringify(text)}`),
    ...(json ?? []).map(({ path, value }) => `JSON ${path.join('.')}${value === undefined ? '' : ` = ${value}`}`),
    ...(regex === undefined ? [] : [`regex ${regex.forbidden ? 'that must not match ' : ''}${regex.pattern}`]),
  ].join(', ')
}

/** All of a body, as it came. */
export async function readBody(
  stream: AsyncIterable<Buffer>,
  { path, body: test, bodyLimit = BODY_LIMIT }: HttpUrl,
): Promise<Body | { readonly fault: string }> {
  const limit = test?.json === undefined ? bodyLimit : Math.min(bodyLimit, JSON_LIMIT)
  const isKept = test?.regex !== undefined || test?.contains !== undefined || test?.json !== undefined
  const hash = test?.digest === undefined ? undefined : createHash('md5')
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > limit) return { fault: `body of ${path} is longer than ${limit} bytes` }
    hash?.update(chunk)
    if (isKept) chunks.push(chunk)
  }
  return { digest: hash?.digest('hex') ?? '', bytes: Buffer.concat(chunks), length }
}

/** Why a body is not what it must be; undefined when it is. */
export async function bodyFault(
  { digest, bytes }: Pick<Body, 'digest' | 'bytes'>,
  { path, body: test }: HttpUrl,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (test === undefined) return undefined
  if (test.digest !== undefined && digest !== test.digest) return `digest of ${path} is ${digest}`
  const missing = test.contains?.find((text) => !bytes.includes(text))
  if (missing !== undefined) return `body of ${path} does not contain ${JSON.stringify(missing)}`
  const member = test.json === undefined ? undefined : jsonFault(bytes, test.json)
  if (member !== undefined) return `JSON of ${path}: ${member}`
  return test.regex === undefined ? undefined : regexFault(bytes, test.regex, path, signal)
}

type JsonTests = NonNullable<NonNullable<HttpUrl['body']>['json']>

/** Longest value that a reason shows, in characters. */
const SHOWN = 40

export function jsonFault(bytes: Buffer, tests: JsonTests): string | undefined {
  let all: unknown
  try {
    all = JSON.parse(bytes.toString('utf8'))
  } catch {
    return 'the body is no JSON'
  }
  for (const { path, value } of tests) {
    const found = path.reduce(
      (at: unknown, name) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined,
      all,
    )
    const text = memberText(found)
    const isGood = value === undefined ? found !== undefined && found !== null && found !== false : text === value
    if (!isGood) return `${path.join('.')} is ${text === undefined ? 'missing' : shown(text.slice(0, SHOWN))}`
  }
  return undefined
}

/** As it is compared and shown; undefined: there is none. */
function memberText(found: unknown): string | undefined {
  if (typeof found === 'string') return found
  try {
    return JSON.stringify(found)
  } catch {
    // What can be read at any depth can be written at some thousand levels only.
    return 'nested too deeply'
  }
}
