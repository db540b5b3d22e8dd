import koffi from 'koffi'
import { BpfMap, checked } from './libbpf.ts'
import { lastErrno, SystemError } from './libc.ts'
import { type LibbpfLog, withLog } from './libbpf-log.ts'
import { library } from './library.ts'
import { lastLines, VerifierLog } from './verifier-log.ts'

const lib = library('libbpf.so.1', 'libbpf1')

const c = {
  open: lib.func('void *bpf_object__open_file(const char *path, const void *options)'),
  btf: lib.func('void *bpf_object__btf(void *object)'),
  btfBytes: lib.func('void *btf__raw_data(void *btf, _Out_ uint32_t *size)'),
  load: lib.func('int bpf_object__load(void *object)'),
  close: lib.func('void bpf_object__close(void *object)'),
  findMap: lib.func('void *bpf_object__find_map_by_name(void *object, const char *name)'),
  findProgram: lib.func('void *bpf_object__find_program_by_name(void *object, const char *name)'),
  mapFd: lib.func('int bpf_map__fd(void *map)'),
  mapMaxEntries: lib.func('uint32_t bpf_map__max_entries(void *map)'),
  mapSetMaxEntries: lib.func('int bpf_map__set_max_entries(void *map, uint32_t entries)'),
  mapReuseFd: lib.func('int bpf_map__reuse_fd(void *map, int fd)'),
  programFd: lib.func('int bpf_program__fd(void *program)'),
  programSetAutoload: lib.func('int bpf_program__set_autoload(void *program, bool load)'),
}

export interface ObjectOptions {
  /** Maps by name that are taken over instead of created. */
  readonly reuse: ReadonlyMap<string, number>
  /** Entries of those that are created. */
  readonly sizes?: ReadonlyMap<string, number>
  /** Programs that are not loaded. */
  readonly without: readonly string[]
  /** Throws when the object is not what is expected, by its BTF; then nothing of it is loaded. */
  readonly check?: (btf: Uint8Array) => void
  /** Is told what libbpf says while it loads, and in full what the verifier says of a program that it refuses. */
  readonly log?: LibbpfLog | undefined
}

/** The kernel has not taken an object. The message ends with what its verifier said last, if it was asked. */
class LoadError extends SystemError {
  constructor(path: string, errno: number, verifier: string) {
    super('load', path, errno)
    const lines = lastLines(verifier)
    if (lines.length > 0) this.message += `; the kernel's verifier says at the end:\n${lines.join('\n')}`
    this.name = 'LoadError'
  }
}

/** A compiled object in the kernel. Throws SystemError. */
export class BpfObject {
  readonly #object: unknown
  readonly #path: string

  constructor(path: string, options: ObjectOptions) {
    this.#path = path
    const verifier = new VerifierLog()
    const object: unknown = c.open(path, verifier.openOptions)
    if (object === null) throw new SystemError('open', path, lastErrno())
    try {
      options.check?.(btfOf(object))
      prepare(object, options)
      const result: number = withLog(options.log, () => c.load(object))
      if (result < 0) {
        const { text } = verifier
        if (text !== '') options.log?.debug(`the verifier's log:\n${text}`)
        throw new LoadError(path, -result, text)
      }
    } catch (error) {
      c.close(object)
      throw error
    }
    this.#object = object
  }

  map(name: string): BpfMap {
    const map: unknown = c.findMap(this.#object, name)
    if (map === null) throw new Error(`${this.#path} has no map ${name}`)
    return new BpfMap(c.mapFd(map), name)
  }

  /** How many entries a map has room for. */
  maxEntries(name: string): number {
    return c.mapMaxEntries(c.findMap(this.#object, name))
  }

  /** The file descriptor of a program. */
  program(name: string): number {
    const program: unknown = c.findProgram(this.#object, name)
    if (program === null) throw new Error(`${this.#path} has no program ${name}`)
    return c.programFd(program)
  }

  close(): void {
    c.close(this.#object)
  }
}

function prepare(object: unknown, { reuse, sizes = new Map<string, number>(), without }: ObjectOptions): void {
  for (const [name, fd] of reuse) checked(c.mapReuseFd(c.findMap(object, name), fd), 'reuse map', name)
  for (const [name, entries] of sizes) {
    if (!reuse.has(name)) checked(c.mapSetMaxEntries(c.findMap(object, name), entries), 'size map', name)
  }
  for (const name of without) c.programSetAutoload(c.findProgram(object, name), false)
}

/** The BTF of an object that is not loaded, from its file. Throws SystemError when it cannot be opened or has none. */
export function readBtf(path: string): Uint8Array {
  const object: unknown = c.open(path, null)
  if (object === null) throw new SystemError('open', path, lastErrno())
  try {
    return btfOf(object)
  } finally {
    c.close(object)
  }
}

/** Empty when there is none. */
function btfOf(object: unknown): Uint8Array {
  const btf: unknown = c.btf(object)
  if (btf === null) return new Uint8Array()
  const size = [0]
  const bytes: unknown = c.btfBytes(btf, size)
  return new Uint8Array(koffi.view(bytes, size[0] ?? 0)).slice()
}
