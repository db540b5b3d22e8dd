import { mkdirSync, statfsSync } from 'node:fs'
import { calls, checked } from './libc.ts'

const BPF_FS_MAGIC = 0xcafe4a11
const MOUNT_POINT = '/sys/fs/bpf'

/** A directory on the BPF file system, which is mounted when it is not. Throws SystemError. */
export function bpfDirectory(...path: readonly string[]): string {
  if (statfsSync(MOUNT_POINT).type !== BPF_FS_MAGIC) {
    checked(calls.mount('bpf', MOUNT_POINT, 'bpf', 0, null), 'mount BPF file system on', MOUNT_POINT)
  }
  const directory = [MOUNT_POINT, ...path].join('/')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return directory
}
