/**
 * Rehearses drills of the book on pairs of all kinds: the examples of conf, and pairs of the corpus. Prints a table, what failed and
 * why, and what of each pair is not played. `pairs.ts [--drills 01,11] [PAIR …]`: parts of pairs' names. Ends with exit status
 * 0 only if each drill held or was left out.
 */
import { parseArgs } from 'node:util'
import { REHEARSED_PAIRS } from '../drill/corpus-pairs.ts'
import { drillOfBook, type Outcome, RehearsedPair } from '../support/rehearsal.ts'

const { values, positionals } = parseArgs({
  options: { drills: { type: 'string', default: '53,32,36,43,11,03,20,31,01' } },
  allowPositionals: true,
})
const numbers = values.drills.split(',')
const pairs = REHEARSED_PAIRS.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
)
if (pairs.length === 0) {
  process.stderr.write('usage: pairs.ts [--drills 01,11] [PAIR …]\n')
  process.exit(2) // holding nothing is no success
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const WIDTH = Math.max(...pairs.map(({ name }) => name.length))
const MARKS: Readonly<Record<Outcome['verdict'], string>> = { held: 'held', failed: 'FAIL', 'left out': '·' }
const row = (name: string, cells: readonly string[]) =>
  [name.padEnd(WIDTH), ...cells.map((cell) => cell.padEnd(4))].join('  ')

const rows: string[] = []
let failures = 0
for (const texts of pairs) {
  say(`\n${texts.name}`)
  const pair = new RehearsedPair(texts)
  for (const sentence of pair.cannotPlay) say(`  not played: ${sentence}`)
  const marks: string[] = []
  for (const number of numbers) {
    const begun = performance.now()
    const { verdict, why } = await pair.run(drillOfBook(number))
    say(`  ${number} ${verdict}, ${((performance.now() - begun) / 1000).toFixed(1)} s`)
    for (const reason of why) say(`     ${reason}`)
    marks.push(MARKS[verdict])
    if (verdict === 'failed') failures++
  }
  await pair.close()
  rows.push(row(texts.name, marks))
}
say(`\n${[row('', numbers), ...rows].join('\n')}`)
process.exitCode = failures === 0 ? 0 : 1
