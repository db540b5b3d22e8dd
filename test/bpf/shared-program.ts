import { readdirSync, readFileSync } from 'node:fs'
import { loadProgram } from '../../src/forward/ebpf/core.ts'
import { MAX_SERVICES } from '../../src/forward/ebpf/layout/bounds.ts'
import { decodeService, SERVICE, SERVICE_KEY } from '../../src/forward/ebpf/layout/service-layout.ts'
import type { BpfObject } from '../../src/linux/bpf-object.ts'
import { BpfMap, possibleCpus, u32 } from '../../src/linux/libbpf.ts'

/** The kernel's numbers of kinds of maps (enum bpf_map_type), of those that are not plain tables of keys. */
const ARRAY = 2
const PERCPU_ARRAY = 6
const ARRAY_OF_MAPS = 12
const DEVMAP = 14

interface MapOfProgram {
  readonly map: BpfMap
  readonly type: number
  readonly keySize: number
  /** Of all processors, in a map that has one value for each. */
  readonly valueSize: number
  readonly room: number
}

let shared: { readonly object: BpfObject; readonly maps: readonly MapOfProgram[] } | undefined

/**
 * The program with empty maps. It is loaded once in a process, since the verifier takes far longer for it than most tests take; what the
 * one before has left in the maps is taken out.
 */
export function emptyProgram(): BpfObject {
  if (shared === undefined) {
    const before = new Set(openFiles())
    const object = loadProgram()
    shared = { object, maps: openFiles().flatMap((fd) => (before.has(fd) ? [] : mapOf(fd))) }
  } else {
    // Kernels before 6.8 wait for all processors with every look into a map of maps, and some of these have as many places as there are services.
    const slots = slotsIn(shared.maps)
    for (const each of shared.maps) empty(each, slots)
  }
  return shared.object
}

const openFiles = () => readdirSync('/proc/self/fd').map(Number)

/** The map behind a file descriptor, if that is one which can be written. */
function mapOf(fd: number): MapOfProgram[] {
  let text = ''
  try {
    text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
  } catch {
    return [] // that of the folder
  }
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(text)?.[1])
  const type = field('map_type')
  if (Number.isNaN(type) || field('frozen') === 1) return []
  const size = field('value_size')
  const valueSize = type === PERCPU_ARRAY ? Math.ceil(size / 8) * 8 * possibleCpus() : size
  return [{ map: new BpfMap(fd, `map ${fd}`), type, keySize: field('key_size'), valueSize, room: field('max_entries') }]
}

/** Of the services that are there. */
function slotsIn(maps: readonly MapOfProgram[]): ReadonlySet<number> {
  const services = maps.find(({ keySize, valueSize }) => keySize === SERVICE_KEY.bytes && valueSize === SERVICE.bytes)
  if (services === undefined) throw new Error('no map of services')
  const found = services.map.entries(SERVICE_KEY.bytes, SERVICE.bytes)
  return new Set(Array.from(found, ([, value]) => decodeService(value).slot))
}

function empty({ map, type, keySize, valueSize, room }: MapOfProgram, slots: ReadonlySet<number>): void {
  if (type === ARRAY || type === PERCPU_ARRAY) {
    const values = Buffer.from(map.first(room, valueSize).buffer)
    const nothing = new Uint8Array(valueSize)
    for (let i = 0; i < room; i++) {
      if (values.compare(nothing, 0, valueSize, i * valueSize, (i + 1) * valueSize) !== 0) map.update(u32(i), nothing)
    }
  } else if (type === DEVMAP) {
    for (let i = 0; i < room; i++) map.delete(u32(i))
  } else if (type === ARRAY_OF_MAPS && room === MAX_SERVICES) {
    for (const slot of slots) map.delete(u32(slot))
  } else {
    const keys = Array.from(map.entries(keySize, valueSize), ([key]) => key)
    // A first chunk stays where it is, and is emptied like any other map.
    const first = type === ARRAY_OF_MAPS ? u32(0) : undefined
    for (const key of keys) if (first === undefined || Buffer.compare(key, first) !== 0) map.delete(key)
  }
}
