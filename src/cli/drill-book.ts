import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Loaded } from '../config/load.ts'
import type { PairSource } from '../drill/drill.ts'
import { type ReadDrill, readDrill } from '../drill/language/read.ts'
import { pairTexts } from '../drill/pair-texts.ts'
import { defaultConfigId, readConfigText } from '../host/config-file.ts'
import { readRegularFile, reasonOf } from '../host/regular-file.ts'

/** The drill book of this installation: `conf/drills` beside `src`, or `dist`. */
export const BOOK = fileURLToPath(new URL('../../conf/drills', import.meta.url))

/** BOUNDED: bytes of a file. The reader refuses less than this, with a place. */
const MOST_BYTES = 8_000_000

/** A file that was read; or why it could not be. */
export type DrillFile = ReadDrill | { readonly unreadable: string }

export function readDrillFile(file: string): DrillFile {
  const found = readRegularFile(file, MOST_BYTES)
  return 'error' in found
    ? { unreadable: `cannot read ${file}: ${found.error}` }
    : readDrill({ name: file, text: found.text })
}

/** The files of drills in a folder, or in the book, in the order of their names; or why there are none. */
export function drillFilesOf(folder = BOOK): readonly string[] | { readonly unreadable: string } {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .toSorted()
      .map((name) => join(folder, name))
  } catch (error) {
    return { unreadable: `cannot read ${folder}: ${reasonOf(error)}` }
  }
}

/** What a word of the command line means: a path, or a number of the book. Undefined: the book has no such number. */
export function drillFileOf(word: string): string | undefined {
  if (!/^\d{1,2}$/.test(word)) return word
  const files = drillFilesOf()
  const prefix = `${word.padStart(2, '0')}-`
  return 'unreadable' in files ? undefined : files.find((file) => file.slice(BOOK.length + 1).startsWith(prefix))
}

/** What the configurations of a pair come to, as a drill in this file has them; or which file of them cannot be read. */
export function loadPair(pair: PairSource, file: string): readonly Loaded[] | { readonly unreadable: string } {
  const missing: string[] = []
  const texts = pairTexts(pair, (name) => {
    const path = join(dirname(file), name)
    const found = readRegularFile(path, MOST_BYTES)
    if ('text' in found) return found.text
    missing.push(`cannot read ${path}: ${found.error}`)
    return ''
  })
  const [unreadable] = missing
  if (unreadable !== undefined) return { unreadable }
  return texts.map(({ name, text }) => readConfigText(join(dirname(file), name), text, defaultConfigId()))
}
