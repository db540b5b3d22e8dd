import { expect, test } from 'vitest'
import { changeTable, type IpvsTable, nextStep } from '../../src/balance/ipvs-table.ts'
import type { IpvsCommand } from '../../src/model/ipvs.ts'
import { parse } from './ipvsadm-lines.ts'

/** Which command lines are carried out together. */
const NONE: ReadonlySet<string> = new Set()
const commands = (lines: readonly string[]): IpvsCommand[] =>
  lines.map((line) => {
    const request = parse(line)
    if (request.type !== 'change') throw new Error(`${line} changes nothing`)
    return request.command
  })

function steps(...lines: string[]): { sizes: number[]; table: IpvsTable; outcomes: string[] } {
  const [sizes, outcomes]: [number[], string[]] = [[], []]
  let [table, left]: [IpvsTable, IpvsCommand[]] = [[], commands(lines)]
  while (left.length > 0) {
    const step = nextStep(table, left, NONE, () => false)
    sizes.push(step.outcomes.length)
    outcomes.push(...step.outcomes)
    table = step.table
    left = left.slice(step.outcomes.length)
  }
  return { sizes, table, outcomes }
}

const WEB = '-t 10.0.0.100:80'
const SSH = '-t 10.0.0.100:22'

test('new services and their servers come about in one step, as they would one by one', () => {
  const lines = [`-A ${WEB} -s wlc`, `-a ${WEB} -r 10.0.0.1 -m`, `-A ${SSH}`, `-a ${WEB} -r 10.0.0.2 -m -w 3`]
  const { sizes, table, outcomes } = steps(...lines)
  expect(sizes).toEqual([4])
  expect(outcomes).toEqual(['done', 'done', 'done', 'done'])
  const oneByOne = commands(lines).reduce<IpvsTable>((before, command) => {
    const after = changeTable(before, command, NONE, () => false)
    return typeof after === 'string' ? before : after
  }, [])
  expect(table).toEqual(oneByOne)
})

test('a server of a service that was there before is a step of its own', () => {
  const { sizes } = steps(
    `-A ${WEB}`,
    `-e ${WEB} -r 10.0.0.1 -m`,
    `-a ${WEB} -r 10.0.0.1 -m`,
    `-a ${WEB} -r 10.0.0.2 -m`,
  )
  expect(sizes).toEqual([1, 1, 1, 1])
})

test('a server that ipvsadm deletes and adds again is deleted first', () => {
  expect(steps(`-A ${WEB}`, `-D ${WEB}`, `-A ${WEB}`, `-a ${WEB} -r 10.0.0.1`).sizes).toEqual([1, 1, 2])
})

test('an ipvsadm command that is refused changes nothing, and those behind it are carried out', () => {
  const { sizes, outcomes, table } = steps(`-A ${WEB}`, `-A ${WEB}`, `-a ${WEB} -r 10.0.0.1`, `-a ${WEB} -r 10.0.0.1`)
  expect(sizes).toEqual([4])
  expect(outcomes).toEqual(['done', 'service-exists', 'done', 'server-exists'])
  expect(table).toHaveLength(1)
  expect(table[0]?.servers).toHaveLength(1)
})
