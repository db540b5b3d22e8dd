import { expect, test } from 'vitest'
import type { CommandEnd } from '../../../src/daemon/script/command.ts'
import { miscAnswer } from '../../../src/daemon/script/misc-answer.ts'

const exit = (status: number, output = ''): CommandEnd => ({
  end: `exit status ${status}`,
  verdict: status === 0 ? 'good' : 'bad',
  started: true,
  status,
  ms: 7,
  output,
})
const notStarted = (verdict: 'bad' | 'unable'): CommandEnd => ({
  end: 'not started: there is no program x in PATH',
  verdict,
  started: false,
  status: undefined,
  ms: 1,
  output: '',
})
const killed: CommandEnd = { ...exit(0), end: 'killed by SIGSEGV', verdict: 'bad', status: undefined }
const late: CommandEnd = { ...exit(10), end: 'exit status 10 after its time limit of 1 s' }

test.each<[string, boolean, CommandEnd, boolean | undefined, number | undefined]>([
  ['0 is up', false, exit(0), true, undefined],
  ['anything else is down', false, exit(2), false, undefined],
  ['0 is up and leaves the weight to the configuration', true, exit(0), true, undefined],
  ['1 is down', true, exit(1), false, undefined],
  ['2 is up with weight 0', true, exit(2), true, 0],
  ['255 is up with weight 253', true, exit(255), true, 253],
  ['127 is a weight as any other', true, exit(127), true, 125],
  ['the end by a signal is down', true, killed, false, undefined],
  ['a missing program says nothing of the server', true, notStarted('bad'), undefined, undefined],
  ['nor does a lack of processes', false, notStarted('unable'), undefined, undefined],
])('%s (dynamic: %s)', (_name, dynamic, ended, up, weight) => {
  const answer = miscAnswer({ dynamic }, ended)
  expect(answer.up).toBe(up)
  expect('weight' in answer ? answer.weight : undefined).toEqual(
    weight === undefined ? undefined : { type: 'is', value: weight },
  )
})

test('the reason has the exit status and the first line', () => {
  expect(miscAnswer({ dynamic: false }, exit(3, 'no replication'))).toEqual({
    up: false,
    reason: 'exit status 3: no replication',
    duration: 7,
  })
  expect(miscAnswer({ dynamic: true }, late)).toMatchObject({ reason: 'exit status 10 after its time limit of 1 s' })
})
