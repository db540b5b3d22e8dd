import { constants } from 'node:os'
import koffi from 'koffi'
import { lastErrno, SystemError } from './libc.ts'
import { library } from './library.ts'

const lib = library('libbpf.so.1', 'libbpf1')

const c = {
  mapCreate: lib.func(
    'int bpf_map_create(int type, const char *name, uint32_t key, uint32_t value, uint32_t entries, const void *options)',
  ),
  fdById: lib.func('int bpf_map_get_fd_by_id(uint32_t id)'),
  lookup: lib.func('int bpf_map_lookup_elem(int fd, const void *key, void *value)'),
  update: lib.func('int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)'),
  updateBatch: lib.func(
    'int bpf_map_update_batch(int fd, const void *keys, const void *values, _Inout_ uint32_t *count, const void *options)',
  ),
  lookupBatch: lib.func(
    'int bpf_map_lookup_batch(int fd, void *from, void *next, void *keys, void *values, _Inout_ uint32_t *count, const void *options)',
  ),
  remove: lib.func('int bpf_map_delete_elem(int fd, const void *key)'),
  pin: lib.func('int bpf_obj_pin(int fd, const char *path)'),
  get: lib.func('int bpf_obj_get(const char *path)'),
  linkCreate: lib.func('int bpf_link_create(int program, int target, int type, const void *options)'),
  linkUpdate: lib.func('int bpf_link_update(int link, int program, const void *options)'),
  linkDetach: lib.func('int bpf_link_detach(int link)'),
  testRun: lib.func('int bpf_prog_test_run_opts(int program, void *options)'),
  tcHookCreate: lib.func('int bpf_tc_hook_create(void *hook)'),
  tcAttach: lib.func('int bpf_tc_attach(const void *hook, void *options)'),
  tcDetach: lib.func('int bpf_tc_detach(const void *hook, const void *options)'),
  possibleCpus: lib.func('int libbpf_num_possible_cpus()'),
  version: lib.func('const char *libbpf_version_string()'),
  setPrint: lib.func('void *libbpf_set_print(void *callback)'),
  probeHelper: lib.func('int libbpf_probe_bpf_helper(int type, int helper, const void *options)'),
  probeType: lib.func('int libbpf_probe_bpf_prog_type(int type, const void *options)'),
}

// It prints to stderr by itself; what fails comes back as an error. See `bpf-object.ts` for what it says while it loads.
if (lib.isPresent) c.setPrint(null)

const BPF_MAP_TYPE_ARRAY = 2
const BPF_MAP_TYPE_PERCPU_ARRAY = 6
const BPF_MAP_TYPE_LPM_TRIE = 11
const BPF_F_NO_PREALLOC = 1
/** Room for struct __sk_buff; the kernel wants it whole. */
const SK_BUFF_BYTES = 512
/** Entries that are read in one system call. */
const BATCH = 4096
const BPF_F_INNER_MAP = 0x1000
const BPF_TCX_INGRESS = 46
const BPF_TC_INGRESS = 1
const BPF_XDP = 37
const BPF_PROG_TYPE_SCHED_CLS = 3
const XDP_FLAGS_DRV_MODE = 4
const BPF_TC_F_REPLACE = 1

/** The result of a call of libbpf, or a SystemError when it is negative: some return -1 and set errno, others return it. */
export function checked(result: number, operation: string, subject: string): number {
  if (result < 0) throw new SystemError(operation, subject, result === -1 ? lastErrno() : -result)
  return result
}

/** A map by its file descriptor. Keys and values are bytes as `forward/ebpf/layout` writes them. */
export class BpfMap {
  readonly fd: number
  readonly name: string

  constructor(fd: number, name: string) {
    this.fd = fd
    this.name = name
  }

  /** Fills `value`; false when the key is absent. */
  lookup(key: Uint8Array, value: Uint8Array): boolean {
    return c.lookup(this.fd, key, value) === 0
  }

  /** Throws SystemError. */
  update(key: Uint8Array, value: Uint8Array): void {
    checked(c.update(this.fd, key, value, 0), 'update map', this.name)
  }

  /**
   * Several at once: for a map of maps the kernel waits only once for packets that still see the old ones, about 10 ms.
   * A kernel that has no batches for this map gets them one by one. Throws SystemError; then some may have been written.
   */
  updateAll(entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[]): void {
    if (entries.length === 0) return
    const keys = Buffer.concat(entries.map(([key]) => key))
    const values = Buffer.concat(entries.map(([, value]) => value))
    if (c.updateBatch(this.fd, keys, values, [entries.length], null) === 0) return
    for (const [key, value] of entries) this.update(key, value)
  }

  /** Absent keys are no error. */
  delete(key: Uint8Array): void {
    c.remove(this.fd, key)
  }

  /**
   * All entries of a hash map or a trie, some thousands in one system call. What is added or taken away meanwhile may or may not be
   * among them. Throws SystemError.
   */
  *entries(keySize: number, valueSize: number): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    let from: Uint8Array | null = null
    for (let room = BATCH; ;) {
      const [keys, values, next] = [
        new Uint8Array(keySize * room),
        new Uint8Array(valueSize * room),
        new Uint8Array(Math.max(4, keySize)),
      ]
      const count = [room]
      const result: number = c.lookupBatch(this.fd, from, next, keys, values, count, null)
      const errno = result === -1 ? lastErrno() : -result
      if (errno === constants.errno.ENOSPC) {
        room *= 2 // a bucket holds more than fits
        continue
      }
      if (errno !== 0 && errno !== constants.errno.ENOENT) throw new SystemError('list map', this.name, errno)
      for (let i = 0; i < (count[0] ?? 0); i++) {
        yield [keys.subarray(i * keySize, (i + 1) * keySize), values.subarray(i * valueSize, (i + 1) * valueSize)]
      }
      if (errno !== 0) return
      from = next
    }
  }

  /** The first `count` values of an array map, one behind the other, in one system call. Throws SystemError. */
  first(count: number, valueSize: number): Uint8Array {
    const [keys, values] = [new Uint8Array(4 * count), new Uint8Array(valueSize * count)]
    if (count === 0) return values
    const result: number = c.lookupBatch(this.fd, null, new Uint8Array(4), keys, values, [count], null)
    const errno = result === -1 ? lastErrno() : -result
    if (errno !== 0 && errno !== constants.errno.ENOENT) throw new SystemError('read map', this.name, errno)
    return values
  }
}

function createMap(name: string, type: number, key: number, value: number, entries: number, flags: number): BpfMap {
  const options = new Uint8Array(new BigUint64Array(6).buffer)
  const view = new DataView(options.buffer)
  // struct bpf_map_create_opts: size_t sz; u32 btf_fd, btf_key_type_id, btf_value_type_id, vmlinux_type_id, inner_map_fd, map_flags
  view.setBigUint64(0, 48n, true)
  view.setUint32(28, flags, true)
  return new BpfMap(checked(c.mapCreate(type, name, key, value, entries, options), 'create', name), name)
}

/**
 * A fresh trie of exactly these entries, for an outer map. A key begins with the number of its bits that count. Throws
 * SystemError.
 */
export function createInnerTrie(
  keySize: number,
  valueSize: number,
  entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
): BpfMap {
  const map = createMap('trie', BPF_MAP_TYPE_LPM_TRIE, keySize, valueSize, entries.length, BPF_F_NO_PREALLOC)
  map.updateAll(entries)
  return map
}

/** The inner map that an outer one names by this number; undefined when there is none. */
export function openInner(id: number, name: string): BpfMap | undefined {
  const fd: number = c.fdById(id)
  return fd < 0 ? undefined : new BpfMap(fd, name)
}

/** A fresh inner table of `values`, for an outer map that is declared with BPF_F_INNER_MAP. Throws SystemError. */
export function createInnerArray(values: readonly number[]): BpfMap {
  const map = createMap('table', BPF_MAP_TYPE_ARRAY, 4, 4, values.length, BPF_F_INNER_MAP)
  const { fd } = map
  const [indexes, elements] = [Uint32Array.from(values.keys()), Uint32Array.from(values)]
  if (c.updateBatch(fd, indexes, elements, [values.length], null) !== 0) {
    for (const [index, value] of values.entries()) map.update(u32(index), u32(value))
  }
  return map
}

/** One value for each place, or one for each processor and place. */
export type ArrayKind = 'array' | 'per-CPU array'

/** An array map of so many places, all 0; for an outer map that wants its inner ones of that size. Throws SystemError. */
export function createArray(name: string, kind: ArrayKind, valueBytes: number, entries: number): BpfMap {
  const type = kind === 'array' ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_PERCPU_ARRAY
  return createMap(name, type, 4, valueBytes, entries, 0)
}

/** Keeps a map, program or link in the kernel after this process, under `path` on a bpf file system. */
export function pin(fd: number, path: string): void {
  checked(c.pin(fd, path), 'pin', path)
}

/** The file descriptor of what is pinned there, or undefined. */
export function openPinned(path: string): number | undefined {
  const fd = c.get(path)
  return fd < 0 ? undefined : fd
}

/** Attaches by tcx (kernel 6.6). Undefined when the kernel has none; throws SystemError on anything else. */
export function attachTcx(program: number, ifindex: number): number | undefined {
  const link = c.linkCreate(program, ifindex, BPF_TCX_INGRESS, null)
  if (link >= 0) return link
  const error = new SystemError('attach program to', `interface ${ifindex}`, lastErrno())
  if (error.code === 'EINVAL') return undefined
  throw error
}

/**
 * Attaches to XDP in the driver (kernel 5.9). Throws SystemError: EOPNOTSUPP where the driver has none, EBUSY where somebody
 * else's program is, ERANGE or EINVAL where the MTU is too big for it.
 */
export function attachXdp(program: number, ifindex: number): number {
  // struct bpf_link_create_opts: size_t sz; u32 flags
  const options = new DataView(new ArrayBuffer(16))
  options.setBigUint64(0, 16n, true)
  options.setUint32(8, XDP_FLAGS_DRV_MODE, true)
  const link = c.linkCreate(program, ifindex, BPF_XDP, new Uint8Array(options.buffer))
  if (link >= 0) return link
  throw new SystemError('attach XDP program to', `interface ${ifindex}`, lastErrno())
}

/** Replaces the program of a link in one step. Throws SystemError. */
export function updateLink(link: number, program: number): void {
  checked(c.linkUpdate(link, program, null), 'replace program of', `link ${link}`)
}

/**
 * Takes the program of a link off at once. A link that only loses its pin and its last descriptor is taken off some time later, until when
 * the program cannot be attached there again. Throws SystemError.
 */
export function detachLink(link: number): void {
  checked(c.linkDetach(link), 'detach program of', `link ${link}`)
}

/** Attaches by a clsact queueing discipline, in place of what is there under the same handle. Throws SystemError. */
export function attachClsact(program: number, ifindex: number): void {
  const hook = tcHook(ifindex)
  c.tcHookCreate(hook) // EEXIST: somebody's clsact is there, which serves as well
  const options = tcOptions(program, BPF_TC_F_REPLACE)
  checked(c.tcAttach(hook, options), 'attach program to', `interface ${ifindex}`)
}

/** Takes away what `attachClsact` has attached; that there is nothing is no error. The clsact itself may serve others. */
export function detachClsact(ifindex: number): void {
  c.tcDetach(tcHook(ifindex), tcOptions(0, 0))
}

/** struct bpf_tc_hook: size_t sz; int ifindex; enum attach_point; u32 parent */
function tcHook(ifindex: number): Uint8Array {
  const hook = new DataView(new ArrayBuffer(24))
  hook.setBigUint64(0, 24n, true)
  hook.setInt32(8, ifindex, true)
  hook.setInt32(12, BPF_TC_INGRESS, true)
  return new Uint8Array(hook.buffer)
}

/** struct bpf_tc_opts: size_t sz; int prog_fd; u32 flags, prog_id, handle, priority */
function tcOptions(program: number, flags: number): Uint8Array {
  const options = new DataView(new ArrayBuffer(32))
  options.setBigUint64(0, 32n, true)
  options.setInt32(8, program, true)
  options.setUint32(12, flags, true)
  options.setUint32(20, 1, true)
  options.setUint32(24, 1, true)
  return new Uint8Array(options.buffer)
}

/** What one run of a program returned, and the packet that it left. */
export interface TestRun {
  readonly result: number
  readonly packet: Uint8Array
  /** The first words that a tc program left in `cb`, if they were asked for. */
  readonly answers: readonly number[]
}

/**
 * Runs a program once (BPF_PROG_TEST_RUN): a tc program on `packet`, or a syscall program on `context`, which it may
 * change. Throws SystemError.
 */
export function testRun(
  program: number,
  input: { packet?: Uint8Array; context?: Uint8Array; answers?: true },
): TestRun {
  const out = Buffer.alloc(input.packet === undefined ? 0 : 2048)
  const contextOut = new Uint8Array(input.answers === undefined ? 0 : SK_BUFF_BYTES)
  // struct bpf_test_run_opts: sz, data_in, data_out, data_size_in/out, ctx_in, ctx_out, ctx_size_in/out, retval, repeat, duration, …
  const options = Buffer.alloc(80)
  options.writeBigUInt64LE(80n, 0)
  if (input.packet !== undefined) {
    options.writeBigUInt64LE(koffi.address(input.packet), 8)
    options.writeBigUInt64LE(koffi.address(out), 16)
    options.writeUInt32LE(input.packet.length, 24)
    options.writeUInt32LE(out.length, 28)
  }
  if (input.answers !== undefined) {
    options.writeBigUInt64LE(koffi.address(contextOut), 40)
    options.writeUInt32LE(contextOut.length, 52)
  }
  if (input.context !== undefined) {
    options.writeBigUInt64LE(koffi.address(input.context), 32)
    options.writeUInt32LE(input.context.length, 48)
  }
  options.writeInt32LE(input.packet === undefined ? 0 : 1, 60)
  checked(c.testRun(program, options), 'run', `program ${program}`)
  return {
    result: options.readInt32LE(56),
    packet: Uint8Array.from(out.subarray(0, options.readUInt32LE(28))),
    // struct __sk_buff: eight u32 and four more, then cb.
    answers:
      contextOut.length === 0 ? [] : [48, 52, 56].map((at) => new DataView(contextOut.buffer).getUint32(at, true)),
  }
}

/** Something of eBPF that a kernel has or not, by its number in the kernel's interface. */
export interface KernelFeature {
  readonly kind: 'tc helper' | 'program type'
  readonly name: string
  readonly number: number
}

/** Tries it. Undefined when that cannot be told, for want of privileges for example. */
export function kernelHas({ kind, number }: KernelFeature): boolean | undefined {
  const answer: number =
    kind === 'program type' ? c.probeType(number, null) : c.probeHelper(BPF_PROG_TYPE_SCHED_CLS, number, null)
  // Without privileges nothing can be tried; some answers say then that there is no such thing.
  const maySee = c.probeType(BPF_PROG_TYPE_SCHED_CLS, null) === 1
  return answer < 0 || !maySee ? undefined : answer === 1
}

/** Of the library that this process has loaded, such as `v1.1`. */
export function libbpfVersion(): string {
  return String(c.version())
}

/** How many values a per-CPU map element has. */
export function possibleCpus(): number {
  return checked(c.possibleCpus(), 'count', 'CPUs')
}

/** A 32-bit key or value in host order. */
export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer)
}
