import { calls, checked } from './libc.ts'
import { SO_MARK, SOL_SOCKET } from './source-socket.ts'
import { AF_INET, Socket, SOCK_DGRAM } from './socket.ts'

/** By their numbers of linux/capability.h. */
const CAP_NET_ADMIN = 12
const CAP_NET_RAW = 13
/** struct __user_cap_header_struct of version 3, for this thread. */
const HEADER = new Uint8Array(Uint32Array.of(0x20080522, 0).buffer)

const PR_SET_KEEPCAPS = 8

/** This thread keeps the capabilities that it is permitted, in no effect, when it is not root's any more (capabilities(7)). Throws SystemError. */
export function outliveChangeOfUser(): void {
  checked(calls.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 'keep', 'capabilities')
}

/**
 * This thread keeps the one capability that marking packets takes, and no other: CAP_NET_RAW since Linux 5.17, CAP_NET_ADMIN before, which
 * also may change the network. Keeps none where it has been started without. Threads of before, and programs that are started, have none.
 */
export function keepMarking(): void {
  for (const [candidate, others] of [
    [CAP_NET_RAW, [CAP_NET_ADMIN]],
    [CAP_NET_ADMIN, []],
  ] as const) {
    if (!restrictTo([candidate], others)) continue
    if (mayMark()) {
      restrictTo([candidate], [])
      return
    }
  }
  restrictTo([], [])
}

/** False when it is not permitted all of these. */
function restrictTo(effective: readonly number[], others: readonly number[]): boolean {
  const bits = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + 2 ** number, 0)
  // Two of struct __user_cap_data_struct, of 32 capabilities each: effective, permitted, inheritable.
  const data = Uint32Array.of(bits(effective), bits([...effective, ...others]), 0, 0, 0, 0)
  return calls.capset(HEADER, new Uint8Array(data.buffer)) === 0
}

function mayMark(): boolean {
  const socket = new Socket('a try to mark packets', AF_INET, SOCK_DGRAM, 0)
  try {
    socket.setOption(SOL_SOCKET, SO_MARK, 1)
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
