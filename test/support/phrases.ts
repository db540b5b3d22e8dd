import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGE = join(import.meta.dirname, '../../docs/migrating.md')

/** The phrases of keepalived's log that the documentation promises, with a pattern for each: names and numbers are examples. */
export function promisedPhrases(): readonly { readonly phrase: string; readonly pattern: RegExp }[] {
  const page = readFileSync(PAGE, 'utf8')
  const start = page.indexOf('## What the log says')
  const table = page.slice(start, page.indexOf('\n## ', start + 1))
  return [...table.matchAll(/^\| ``? ?(.*?) ?``? \|/gm)].map(([, phrase = '']) => ({
    phrase,
    pattern: new RegExp(
      phrase
        .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll('VI_1', '\\w+')
        .replaceAll(/\d+/g, '\\d+'),
    ),
  }))
}

/** Those that only a whole director says: see test/interop/phrases.test.ts. */
export const OF_A_RUN = /^\(VI_1\) (Entering|sent|Received advert)/
