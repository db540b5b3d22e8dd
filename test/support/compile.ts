import { execFileSync } from 'node:child_process'
import { basename, join } from 'node:path'
import type { Lab } from './lab.ts'

/** Compiles a BPF program into the folder of a lab; `macros` are given to the preprocessor. Returns the object's path. */
export function compileBpf(
  lab: Pick<Lab, 'directory'>,
  source: string,
  macros: Readonly<Record<string, string | number>> = {},
): string {
  const object = join(lab.directory, basename(source).replace(/\.bpf\.c$/, '.o'))
  const include = `-I/usr/include/${execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()}-linux-gnu`
  const defined = Object.entries(macros).map(([name, value]) => `-D${name}=${value}`)
  execFileSync('clang', ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', include, ...defined, '-c', source, '-o', object])
  return object
}
