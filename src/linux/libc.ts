import { getSystemErrorName } from 'node:util'
import koffi from 'koffi'

/** A system call that failed: the operation, what it was applied to, and what the kernel said. */
export class SystemError extends Error {
  readonly code: string

  constructor(operation: string, subject: string, errno: number) {
    const code = getSystemErrorName(-errno)
    super(`${operation} ${subject}: ${code}`)
    this.name = 'SystemError'
    this.code = code
  }
}

const libc = koffi.load('libc.so.6')

/** Only what Tanist calls. Each returns -1 and sets errno on failure, as its manual page says. */
export const calls = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  connect: libc.func('int connect(int fd, const void *address, uint32_t length)'),
  getsockname: libc.func('int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint32_t *length)'),
  bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
  close: libc.func('int close(int fd)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
  getsockopt: libc.func('int getsockopt(int fd, int level, int name, void *value, _Inout_ uint32_t *length)'),
  sendto: libc.func(
    'int64_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)',
  ),
  recv: libc.func('int64_t recv(int fd, void *data, size_t length, int flags)'),
  // Structs that point at each other are in native memory, which is told by its address.
  sendmsg: libc.func('int64_t sendmsg(int fd, const void *message, int flags)'),
  recvmmsg: libc.func('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)'),
  clockGettime: libc.func('int clock_gettime(int clock, void *time)'),
  clockNanosleep: libc.func('int clock_nanosleep(int clock, int flags, const void *at, void *left)'),
  recvmsg: libc.func('int64_t recvmsg(int fd, void *message, int flags)'),
  poll: libc.func('int poll(void *fds, uint64_t count, int timeout)'),
  eventfd: libc.func('int eventfd(uint32_t initial, int flags)'),
  write: libc.func('int64_t write(int fd, const void *data, size_t length)'),
  read: libc.func('int64_t read(int fd, void *data, size_t length)'),
  mount: libc.func(
    'int mount(const char *source, const char *target, const char *type, uint64_t flags, const void *data)',
  ),
  schedSetscheduler: libc.func('int sched_setscheduler(int thread, int policy, const void *parameters)'),
  schedSetaffinity: libc.func('int sched_setaffinity(int thread, size_t size, const void *mask)'),
  setpriority: libc.func('int setpriority(int which, uint32_t who, int value)'),
  mlockall: libc.func('int mlockall(int flags)'),
  munlockall: libc.func('int munlockall()'),
  setns: libc.func('int setns(int fd, int kind)'),
  inotifyInit: libc.func('int inotify_init1(int flags)'),
  inotifyAddWatch: libc.func('int inotify_add_watch(int fd, const char *path, uint32_t mask)'),
  inotifyRemoveWatch: libc.func('int inotify_rm_watch(int fd, int watch)'),
  setsid: libc.func('int setsid()'),
  waitpid: libc.func('int waitpid(int process, void *status, int options)'),
  pipe2: libc.func('int pipe2(void *ends, int flags)'),
  mkfifo: libc.func('int mkfifo(const char *path, uint32_t mode)'),
  setrlimit: libc.func('int setrlimit(int resource, const void *limits)'),
  getrlimit: libc.func('int getrlimit(int resource, void *limits)'),
  ioctl: libc.func('int ioctl(int fd, uint64_t request, void *argument)'),
  fcntl: libc.func('int fcntl(int fd, int command, int argument)'),
  flock: libc.func('int flock(int fd, int operation)'),
  capset: libc.func('int capset(const void *header, const void *data)'),
  prctl: libc.func('int prctl(int option, ulong second, ulong third, ulong fourth, ulong fifth)'),
  signal: libc.func('intptr_t signal(int number, intptr_t handler)'),
  sigprocmask: libc.func('int sigprocmask(int how, const void *set, void *old)'),
  syscall: libc.func('long syscall(long call, long number, const void *action, void *old, size_t maskSize)'),
}

/** The address of a function of libc that does nothing but return: a signal handler of which nothing is passed on to other programs. */
export const harmlessFunction = koffi.address(libc.symbol('getppid', 'void'))

/** errno of the call that has just failed. */
export function lastErrno(): number {
  return koffi.errno()
}

/** The result of a call, or a SystemError when it is -1. */
export function checked(result: number, operation: string, subject: string): number {
  if (result < 0) throw new SystemError(operation, subject, lastErrno())
  return result
}

/** Memory that stays where it is, for structs that point into each other. Given back by the kernel when the process ends. */
export function fixedMemory(size: number): {
  readonly pointer: unknown
  readonly address: bigint
  readonly bytes: Uint8Array
} {
  const pointer: unknown = koffi.alloc('uint8_t', size)
  return { pointer, address: koffi.address(pointer), bytes: new Uint8Array(koffi.view(pointer, size)) }
}
