import { constants } from 'node:os'
import koffi from 'koffi'
import { calls, checked, harmlessFunction, SystemError } from './libc.ts'

const SIG_DFL = 0
const SIG_IGN = 1
const LAST_SIGNAL = 64

/** glibc keeps these from its callers: the first ends a process that does not cancel threads, the second it handles itself. */
const GLIBC_CANCEL = 32
const GLIBC_SETXID = 33
/** `rt_sigaction`, by which a signal that glibc keeps can be ignored. */
const RT_SIGACTION: Partial<Record<NodeJS.Architecture, number>> = { x64: 13, arm64: 134 }
/** struct sigaction as the kernel has it, with room to spare, and the size of its mask. */
const ACTION_BYTES = 32
const MASK_BYTES = 8

const SIG_UNBLOCK = 1
/** sigset_t of glibc has 128 bytes. */
const SIGSET_WORDS = 16

const { SIGKILL, SIGSTOP, SIGCHLD, SIGCONT } = constants.signals
/** What no process can ignore, what Node needs, and what only wakes a process that was stopped. */
const LEFT_ALONE: ReadonlySet<number> = new Set([SIGKILL, SIGSTOP, SIGCHLD, SIGCONT, GLIBC_SETXID])

/**
 * From now on this process ignores every signal that can be ignored but those of `except`, for which it has handlers. Most of
 * them would end it, some stop it. A fault of the program itself still ends it: the kernel does not let that be ignored.
 * Those above 32 are ignored by programs that it starts as well. SIGUSR1 is Node's way to open a debugger; a process of ours
 * is started with `--disable-sigusr1`, so that it is held back from the very beginning. Throws SystemError.
 */
export function ignoreSignals(except: readonly NodeJS.Signals[] = []): void {
  const handled = new Set(except.map((name) => constants.signals[name]))
  for (let number = 1; number <= LAST_SIGNAL; number++) {
    if (handled.has(number) || LEFT_ALONE.has(number)) continue
    if (number === GLIBC_CANCEL) ignoreByKernel(number)
    else checked(calls.signal(number, SIG_IGN), 'ignore', `signal ${number}`)
  }
}

/** Lets a signal through that `--disable-sigusr1` holds back, once there is a handler for it. Throws SystemError. */
export function unblockSignal(name: NodeJS.Signals): void {
  const set = new BigUint64Array(SIGSET_WORDS)
  set[0] = 1n << BigInt(constants.signals[name] - 1)
  checked(calls.sigprocmask(SIG_UNBLOCK, new Uint8Array(set.buffer), null), 'unblock', name)
}

/** libuv gives programs that it starts the default for these, and what this process ignores above. */
const RESET_BY_LIBUV = 31

/** The same for a process that starts programs of others: they find every signal as after a boot. */
export function ignoreSignalsAlone(except: readonly NodeJS.Signals[] = []): void {
  ignoreSignals(except)
  for (let number = RESET_BY_LIBUV + 1; number <= LAST_SIGNAL; number++) {
    if (number === GLIBC_CANCEL) defaultByKernel(number)
    else if (!LEFT_ALONE.has(number)) checked(calls.signal(number, harmlessFunction), 'take', `signal ${number}`)
  }
}

const ignoreByKernel = (number: number) => setByKernel(number, SIG_IGN)
const defaultByKernel = (number: number) => setByKernel(number, SIG_DFL)

function setByKernel(number: number, handler: 0 | 1): void {
  const call = RT_SIGACTION[process.arch]
  if (call === undefined) return
  const action = new Uint8Array(ACTION_BYTES)
  action[0] = handler // the handler, the first word on either (little-endian) architecture; the rest is zero
  checked(calls.syscall(call, number, action, null, MASK_BYTES), 'set the action of', `signal ${number}`)
}

koffi.proto('void TakeSignal(void *handle, int number)')

/** Node's own libuv. It alone sees to it that a signal of any thread is taken in the main one, between two callbacks. Throws when it is not exported. */
function libuv() {
  const node = koffi.load(null)
  return {
    loop: node.func('void *uv_default_loop()'),
    handleSize: node.func('size_t uv_handle_size(int type)'),
    init: node.func('int uv_signal_init(void *loop, void *handle)'),
    start: node.func('int uv_signal_start(void *handle, TakeSignal *take, int number)'),
    unref: node.func('void uv_unref(void *handle)'),
  }
}
/** uv.h: UV_SIGNAL of uv_handle_type. */
const UV_SIGNAL = 16

/**
 * Calls `handler` for a signal that Node has no name for, from SIGRTMIN on, for as long as the process lives; of several at once maybe
 * only for one. Does not keep the process alive. For the main thread. Throws.
 */
export function onSignalNumber(number: number, handler: () => void): void {
  const uv = libuv()
  const handle: unknown = koffi.alloc('char', Number(uv.handleSize(UV_SIGNAL)))
  // Not within libuv's callback: what it throws, and its promises, are Node's to see to.
  const take = koffi.register(() => void setImmediate(handler), 'TakeSignal *')
  const error: number = uv.init(uv.loop(), handle) || uv.start(handle, take, number)
  if (error < 0) throw new SystemError('handle', `signal ${number}`, -error)
  uv.unref(handle)
}
