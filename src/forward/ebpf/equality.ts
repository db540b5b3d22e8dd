import type { AccessEntry, SchedulerFlags } from '../../model/service.ts'
import type { Address } from '../../net/address.ts'
import type { LaidTable } from './laid-table.ts'
import type { DestEntry } from './layout/destination-layout.ts'
import type { ServiceEntry } from './layout/service-layout.ts'

/** Whether what the core holds is what is planned: nothing is written that is there. */

export function sameDest(a: DestEntry, b: DestEntry): boolean {
  return a.state === b.state && !isEdited(a, b) && a.serviceSlot === b.serviceSlot && isSameWay(a, b)
}

/** Most often both are the same objects, which saves writing them down. */
const isSameWay = (a: DestEntry, b: DestEntry) =>
  (a.hop === b.hop && a.forwarding === b.forwarding) || wayTo(a) === wayTo(b)

/** One text for one way; should the same way come out as two, a value is written again that is there. */
const wayTo = ({ forwarding, hop }: DestEntry): string => JSON.stringify([forwarding, hop])

export const sameTable = (a: LaidTable, b: LaidTable) =>
  a.scheduler === b.scheduler &&
  sameFlags(a.flags, b.flags) &&
  a.slots.length === b.slots.length &&
  a.slots.every((slot, i) => slot === b.slots[i]) &&
  a.weights.size === b.weights.size

const sameFlags = (a: SchedulerFlags, b: SchedulerFlags) =>
  a.port === b.port && a.fallback === b.fallback && a.third === b.third

export const sameAddresses = (a: readonly Address[], b: readonly Address[]) =>
  a.length === b.length && a.every((address, i) => address === b[i])

export const sameAccess = (a: readonly AccessEntry[], b: readonly AccessEntry[]) =>
  a === b ||
  (a.length === b.length &&
    a.every(({ verdict, address, length }, i) => {
      const other = b[i]
      return verdict === other?.verdict && address === other.address && length === other.length
    }))

export const isEdited = (a: DestEntry, b: DestEntry) =>
  a.weight !== b.weight ||
  a.releasesClients !== b.releasesClients ||
  a.thresholds.upper !== b.thresholds.upper ||
  a.thresholds.lower !== b.thresholds.lower

export const sameEntry = (a: ServiceEntry, b: ServiceEntry) =>
  a.scheduler === b.scheduler &&
  sameFlags(a.flags, b.flags) &&
  a.onePacket === b.onePacket &&
  a.idleSeconds === b.idleSeconds &&
  a.listed === b.listed &&
  a.throughFirewall === b.throughFirewall &&
  a.byHand === b.byHand &&
  a.persistence?.timeoutSeconds === b.persistence?.timeoutSeconds &&
  a.persistence?.clientPrefix === b.persistence?.clientPrefix &&
  a.persistence?.engine === b.persistence?.engine

export const hasOtherThresholds = ({ thresholds: before }: DestEntry, { thresholds: now }: DestEntry) =>
  before.upper !== now.upper || before.lower !== now.lower
