import koffi from 'koffi'
import { library } from './library.ts'

const libbpf = library('libbpf.so.1', 'libbpf1')
const libc = library('libc.so.6', 'libc6')
const setPrint = libbpf.func('void *libbpf_set_print(void *callback)')
const vsnprintf = libc.func('int vsnprintf(void *buffer, size_t bytes, void *format, void *args)')
const Print = koffi.proto('int tanist_libbpf_print(int level, void *format, void *args)')

/** Takes what libbpf says; a pino logger is one. */
export interface LibbpfLog {
  isLevelEnabled(level: string): boolean
  warn(text: string): void
  info(text: string): void
  debug(text: string): void
}

/** `enum libbpf_print_level`, in its order. */
const LEVELS = ['warn', 'info', 'debug'] as const

/** BOUNDED: bytes of a message, and messages of one piece of work; what is more is cut, and only counted. */
const MESSAGE_BYTES = 4096
const MESSAGES = 1000

/** Does some work of libbpf's, and passes on what it says meanwhile. Without a log it says nothing. */
export function withLog<Result>(log: LibbpfLog | undefined, work: () => Result): Result {
  if (log === undefined) return work()
  const text = Buffer.alloc(MESSAGE_BYTES)
  let messages = 0
  const say = (number: number, format: unknown, args: unknown): number => {
    const level = LEVELS[number] ?? 'debug'
    if (log.isLevelEnabled(level) && ++messages <= MESSAGES) {
      const length: number = vsnprintf(text, text.length, format, args)
      log[level](text.toString('utf8', 0, Math.min(length, text.length - 1)).trimEnd())
    }
    return 0
  }
  const callback = koffi.register(say, koffi.pointer(Print))
  setPrint(callback)
  try {
    return work()
  } finally {
    setPrint(null)
    koffi.unregister(callback)
    if (messages > MESSAGES) log.debug(`libbpf: ${messages - MESSAGES} more messages`)
  }
}
