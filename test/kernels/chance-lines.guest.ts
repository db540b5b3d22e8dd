import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Lab } from '../support/lab.ts'
import { chanceLines } from './chance-lines.ts'
import { DIFFERENCES } from './line-differences.ts'
import type { Said } from './shell.ts'
import { comparable, IpvsTwin, TanistTwin, type Twin } from './twins.ts'

/** Of the real ipvsadm on the kernel's IPVS and of tanist-ipvsadm: what each says to a line, its status, and the table after it. */
const SEED = 2026
const ALL = 1000
/** LINES says how many are tried. */
const COUNT = Number(process.env['LINES'] ?? ALL)
/** Emulated, a line takes half a second, and more on a busy machine. */
const LIMIT_MS = 1_800_000
/** Between them they show all that a line can change. */
const LISTS = ['ipvsadm -S -n', 'ipvsadm -Ln --thresholds']

const lab = new Lab()
const ipvs = new IpvsTwin(lab)
const tanist = new TanistTwin(lab)
beforeAll(async () => {
  await Promise.all([ipvs.start(), tanist.start()])
  // So that a server can be its broadcast address.
  for (const { name } of [ipvs, tanist]) {
    lab.run(name, ['ip', 'address', 'add', '10.1.0.254/16', 'broadcast', '+', 'dev', 'eth1'])
  }
})
afterAll(() => lab.destroy())

const isMeant = (line: string) => DIFFERENCES.some(({ lines }) => lines.test(line))

/** What is said to each line, and the lists behind those that succeed. */
async function says(twin: Twin, lines: readonly string[]): Promise<Said[][]> {
  const all: Said[][] = []
  for (const line of lines) {
    // oxlint-disable no-await-in-loop -- one after the other
    const said = [await twin.ipvsadm(line)]
    if (said[0]?.status === 0) for (const list of LISTS) said.push(await twin.ipvsadm(list))
    // oxlint-enable no-await-in-loop
    all.push(said)
  }
  return all
}

test(
  `${COUNT} lines made by chance, of seed ${SEED}`,
  async () => {
    // Behind a line that is meant to do something else, both begin anew.
    const lines = chanceLines(SEED, COUNT).flatMap((line) => (isMeant(line) ? [line, 'ipvsadm -C'] : [line]))
    const [expected, actual] = await Promise.all([says(ipvs, lines), says(tanist, lines)])
    const compared = lines.flatMap((line, i) => {
      const [of, is] = [expected, actual].map((all) => all[i]?.map(comparable) ?? [])
      return isMeant(line) ? [] : [{ i, line, expected: of, actual: is }]
    })
    expect(compared.filter((each) => !isDeepStrictEqual(each.actual, each.expected))).toEqual([])
    // Most lines are compared, and neither all of them are wrong nor all right.
    expect(compared.length).toBeGreaterThan(COUNT * 0.9)
    const refused = compared.filter((each) => each.expected?.[0]?.status !== 0)
    expect(refused.length).toBeGreaterThan(COUNT * 0.3)
    expect(refused.length).toBeLessThan(COUNT * 0.8)
  },
  LIMIT_MS,
)

test.each(DIFFERENCES)('$why: there are such lines', ({ lines }) => {
  expect(chanceLines(SEED, ALL).some((line) => lines.test(line))).toBe(true)
})
