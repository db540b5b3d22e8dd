import { describe, expect, test } from 'vitest'
import { decodeProcessEvent } from '../../src/linux/proc-connector.ts'

/** What the kernel sends: struct cn_msg, then struct proc_event with these words of data. */
function message(what: number, data: readonly number[], index = 1): DataView {
  const words = [index, 1, 7, 0, 40, what, 0, 0, 0, ...data]
  return new DataView(Uint32Array.from([...words, ...Array.from({ length: 6 - data.length }, () => 0)]).buffer)
}

describe('an event of the process connector', () => {
  test.each([
    ['a fork', message(1, [90, 80, 100, 100]), { type: 'fork', parent: 80, child: 100 }],
    ['an exec', message(2, [100, 100]), { type: 'exec', pid: 100 }],
    ['another name', message(0x200, [100, 100, 0x61]), { type: 'rename', pid: 100 }],
    ['an exit', message(0x80000000, [100, 100, 256, 17]), { type: 'exit', pid: 100 }],
  ])('%s', (_, body, event) => expect(decodeProcessEvent(body)).toStrictEqual(event))

  test.each([
    ['a thread that starts', message(1, [80, 80, 101, 80])],
    ['a thread that ends', message(0x80000000, [101, 100])],
    ['a thread with another name', message(0x200, [101, 100])],
    ['another user', message(4, [100, 100])],
    ['the answer to who listens', message(0, [0])],
    ['another channel', message(2, [100, 100], 3)],
    ['a message that is too short', new DataView(new ArrayBuffer(40))],
  ])('is not %s', (_, body) => expect(decodeProcessEvent(body)).toBeUndefined())
})
