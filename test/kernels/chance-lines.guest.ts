import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Lab } from '../support/lab.ts'
import { chanceLines } from './chance-lines.ts'
import { DIFFERENCES } from './line-differences.ts'
import { comparable, IpvsTwin, TanistTwin } from './twins.ts'

/** Of the real ipvsadm on the kernel's IPVS and of tanist-ipvsadm: what each says to a line, its status, and the table after it. */
const SEED = 2026
const ALL = 1000
/** Fewer, to be quick. */
const COUNT = Number(process.env['LINES'] ?? ALL)
/** Between them they show all that a line can change. */
const LISTS = ['ipvsadm -S -n', 'ipvsadm -Ln --thresholds']

const lab = new Lab()
const ipvs = new IpvsTwin(lab)
const tanist = new TanistTwin(lab)
beforeAll(async () => {
  await ipvs.start()
  await tanist.start()
  // So that a server can be its broadcast address.
  for (const { name } of [ipvs, tanist]) {
    lab.run(name, ['ip', 'address', 'add', '10.1.0.254/16', 'broadcast', '+', 'dev', 'eth1'])
  }
})
afterAll(() => lab.destroy())

const isMeant = (line: string) => DIFFERENCES.some(({ lines }) => lines.test(line))

test(`${COUNT} lines made by chance, of seed ${SEED}`, async () => {
  // Behind a line that is meant to do something else, both begin anew.
  const lines = chanceLines(SEED, COUNT).flatMap((line) => (isMeant(line) ? [line, 'ipvsadm -C'] : [line]))
  const expected = ipvs.ipvsadmAll(lines, LISTS)
  const differences: object[] = []
  let [compared, refused] = [0, 0]
  for (const [i, line] of lines.entries()) {
    const of = expected[i]?.map(comparable) ?? []
    const actual = []
    for (const each of [line, ...LISTS].slice(0, of.length)) {
      actual.push(comparable(await tanist.ipvsadm(each))) // oxlint-disable-line no-await-in-loop -- one after the other
    }
    if (isMeant(line)) continue
    compared++
    if (of[0]?.status !== 0) refused++
    if (!isDeepStrictEqual(actual, of)) differences.push({ i, line, expected: of, actual })
  }
  expect(differences).toEqual([])
  // Most lines are compared, and neither all of them are wrong nor all right.
  expect(compared).toBeGreaterThan(COUNT * 0.9)
  expect(refused).toBeGreaterThan(COUNT * 0.3)
  expect(refused).toBeLessThan(COUNT * 0.8)
})

test.each(DIFFERENCES)('$why: there are such lines', ({ lines }) => {
  expect(chanceLines(SEED, ALL).some((line) => lines.test(line))).toBe(true)
})
