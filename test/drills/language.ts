import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { drillReference } from '../../src/drill/language/reference.ts'
import { drillSchemaText } from '../../src/drill/language/schema.ts'

// Writes what is made of the tables of the language of drills: the schema for editors, and the reference for people.

const ROOT = join(import.meta.dirname, '../..')
export const SCHEMA = join(ROOT, 'conf/drills/drill.schema.json')
export const PAGE = join(ROOT, 'docs/drills.md')
const BEGIN = '<!-- from here on written by `npm run drill:language` -->\n'
const END = '<!-- until here -->'

/** A page with the reference in its place. Throws when it has none. */
export function withReference(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)]
  if (begin < BEGIN.length || end < begin) throw new Error(`there is no place for the reference in ${PAGE}`)
  return `${page.slice(0, begin)}\n${drillReference()}\n${page.slice(end)}`
}

if (import.meta.main) {
  mkdirSync(dirname(SCHEMA), { recursive: true })
  writeFileSync(SCHEMA, drillSchemaText())
  writeFileSync(PAGE, withReference(readFileSync(PAGE, 'utf8')))
}
