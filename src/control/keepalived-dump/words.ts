import type { Command } from '../../model/command.ts'
import type { VirtualAddress } from '../../model/vrrp.ts'
import type { InstanceSnapshot } from '../snapshot.ts'

/** keepalived's states by their numbers. */
export const STATES = ['init', 'backup', 'master', 'fault'] as const satisfies readonly InstanceSnapshot['state'][]

export const stateName = (state: InstanceSnapshot['state']): string => state.toUpperCase()

/** Each word in quotes. */
export const commandText = ({ argv }: Command): string => argv.map((word) => `'${word}'`).join(' ')

/** An address with what keepalived tells of it. A prefix of 32 bits is not told. `set`: it is on the host. */
export function addressText({ address, prefix, device }: VirtualAddress, set: boolean): string {
  return `${address}${prefix === 32 ? '' : `/${prefix}`} dev ${device} scope global${set ? ' set' : ''}`
}
