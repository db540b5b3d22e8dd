import type { WeightAsked } from '../model/check.ts'
import type { HandOn } from '../model/hand.ts'

/** How a real server stands at the moment, by its checkers and whoever else may decide about it. */
export interface Standing {
  /** It works, as far as anybody knows. */
  readonly up: boolean
  /** For as long as it works. 0: it is in its service and gets no new connections. */
  readonly weight: number
  /** In place of `weight` for clients while it starts slowly; quorum counts the whole one. */
  readonly risen?: number
  /** Clients that persistence keeps there get another server with their next connection. */
  readonly releasesClients?: boolean
  /** What an operator has said of it, which this follows. */
  readonly byHand?: HandOn
}

/** What clients go by. */
export const weightNow = ({ weight, risen = weight }: Standing): number => risen

/** How it stands when an operator has said something of it, too. */
export function handled(standing: Standing, byHand: HandOn | undefined): Standing {
  if (byHand === undefined) return standing
  const { hand } = byHand
  const { risen: _, ...whole } = standing
  switch (hand.type) {
    case 'drain':
      return { ...whole, weight: 0, releasesClients: !hand.keepClients, byHand }
    case 'disable':
      return { ...standing, up: false, byHand }
    case 'weight':
      return { ...whole, weight: hand.weight, byHand }
  }
}

export const isSameStanding = (one: Standing, other: Standing | undefined): boolean =>
  one.up === other?.up &&
  one.weight === other.weight &&
  one.risen === other.risen &&
  one.releasesClients === other.releasesClients &&
  one.byHand === other.byHand

/** IPVS's own limit. */
const MAX_WEIGHT = 2 ** 31 - 1

/**
 * The weight of a server whose configuration says `configured`, when its checkers ask for others. As in keepalived each of them moves it by
 * the difference to what is configured, and the differences add up. Never below 0; and 0 when one of them wants it drained.
 */
export function askedWeight(configured: number, asked: readonly WeightAsked[]): number {
  if (asked.some(({ type }) => type === 'drain')) return 0
  const moved = asked.reduce((sum, ask) => sum + differenceOf(configured, ask), configured)
  return Math.min(MAX_WEIGHT, Math.max(0, moved))
}

function differenceOf(configured: number, ask: WeightAsked): number {
  switch (ask.type) {
    case 'is':
      return ask.value - configured
    case 'add':
      return ask.value
    case 'percent': {
      // Who asks for a little does not want it drained.
      const least = ask.value > 0 ? Math.min(1, configured) : 0
      return Math.max(least, Math.round((configured * ask.value) / 100)) - configured
    }
    case 'drain':
      return -configured
  }
}
