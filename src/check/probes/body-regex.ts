import { setImmediate as turn } from 'node:timers/promises'
import { compileRegex, type Regex } from '../../linux/pcre2.ts'
import type { BodyRegex } from '../../model/check.ts'
import { CannotAsk } from './finding.ts'

/** Places that are tried without a look at the clock: few at first, and more as long as they cost little. */
const FEW_PLACES = 16
const MANY_PLACES = 256
/** After so long others of this process have their turn. */
const TURN_MS = 5
const NEWLINE = 10

/** BOUNDED: patterns that are kept compiled, the one that was used last behind. */
const KEPT = 1024
const compiled = new Map<string, Regex>()

/**
 * Why a body does not match as it must; undefined when it does. Others go on meanwhile; rejects at the signal. A match that takes too
 * many steps is a failure, whatever it would have come to.
 */
export async function regexFault(
  bytes: Uint8Array,
  { pattern, options, forbidden, minOffset, maxOffset = bytes.length }: BodyRegex,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const regex = compiledOf(pattern, options)
  const isUtf = options.includes('utf')
  const end = Math.min(maxOffset, bytes.length, options.includes('firstline') ? lineEnd(bytes, minOffset) : Infinity)
  let turnAt = performance.now() + TURN_MS
  let places = FEW_PLACES
  let from = isUtf ? characterStart(bytes, minOffset) : minOffset
  while (from <= end) {
    const last = regex.begins === 'anywhere' ? Math.min(end, from + places - 1) : from
    const found = regex.match(bytes, from, last)
    if (found === 'too much') return `the regular expression takes too many steps in the body of ${path}`
    if (found !== 'none') return forbidden ? `body of ${path} matches at ${found}` : undefined
    from = nextPlace(regex, bytes, isUtf ? characterStart(bytes, last + 1) : last + 1)
    places = Math.min(MANY_PLACES, places * 2)
    if (performance.now() < turnAt) continue
    await turn()
    signal.throwIfAborted()
    turnAt = performance.now() + TURN_MS
    places = FEW_PLACES
  }
  return forbidden ? undefined : `body of ${path} does not match`
}

/** PCRE2 would look for the end of the first line from each place on. */
function lineEnd(bytes: Uint8Array, from: number): number {
  const end = bytes.indexOf(NEWLINE, from)
  return end < 0 ? bytes.length : end
}

/** The first byte from this one on that is none within a character of UTF-8: PCRE2 starts at no other. */
function characterStart(bytes: Uint8Array, from: number): number {
  let at = from
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return at
}

/** The next place that is worth a try, from this one on. */
function nextPlace({ begins }: Regex, bytes: Uint8Array, from: number): number {
  if (begins === 'anywhere') return from
  const line = begins === 'lines' ? bytes.indexOf(NEWLINE, from - 1) : -1
  return line < 0 ? Number.POSITIVE_INFINITY : line + 1
}

function compiledOf(pattern: string, options: readonly string[]): Regex {
  const key = `${options.join(' ')}/${pattern}`
  const known = compiled.get(key)
  if (known !== undefined) {
    compiled.delete(key)
    compiled.set(key, known)
    return known
  }
  const made = compileRegex(pattern, options)
  if ('message' in made) throw new CannotAsk(`the regular expression is wrong at ${made.offset}: ${made.message}`)
  for (const [oldest, regex] of compiled) {
    if (compiled.size < KEPT) break
    // Nobody matches with it: a match that waits for its turn has used it since.
    compiled.delete(oldest)
    regex.free()
  }
  compiled.set(key, made)
  return made
}
