import { readdirSync, rmSync } from 'node:fs'
import { bpfDirectory } from '../../linux/bpffs.ts'
import { detachClsact } from '../../linux/libbpf.ts'
import { clsactInterfaces } from './attachment.ts'
import { leaveOwnClients } from './own-clients.ts'
import { pinsIn, removeLink } from './pins.ts'

/** Removes what is left of the core of a director by this name, of whatever version. Throws SystemError. */
export function removeCore(name: string): void {
  const home = bpfDirectory('tanist', name)
  for (const version of readdirSync(home)) removeVersion(`${home}/${version}`)
  rmSync(home, { recursive: true, force: true })
}

/**
 * Removes a core by its folder on the BPF file system: tcx and XDP are taken off at once; clsact filters of interfaces of this network
 * namespace are taken off.
 */
export function removeVersion(folder: string): void {
  for (const ifindex of clsactInterfaces(folder)) detachClsact(ifindex)
  for (const links of ['links', 'xdp'].map((name) => `${folder}/${name}`)) {
    for (const name of pinsIn(links)) removeLink(`${links}/${name}`)
  }
  leaveOwnClients(folder)
  rmSync(folder, { recursive: true, force: true })
}
