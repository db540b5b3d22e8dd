import { rmSync } from 'node:fs'
import type { Hand, HandOn } from '../../model/hand.ts'
import { readOwnFile, STATE_FOLDER, writeOwnFile } from '../run-file.ts'

/** Where the director of this name keeps what operators have said of real servers. */
export const handsPath = (name: string): string => `${STATE_FOLDER}/${name}.hands.json`

/** Throws when it cannot be written. */
export function keepHands(name: string, hands: readonly HandOn[]): void {
  if (hands.length === 0) rmSync(handsPath(name), { force: true })
  else writeOwnFile(handsPath(name), `${JSON.stringify(hands)}\n`)
}

/** What was said before this start. Throws when the file does not say. */
export const keptHands = (name: string): readonly HandOn[] => readOwnFile(handsPath(name), handsOf) ?? []

function handsOf(value: unknown): readonly HandOn[] {
  if (!Array.isArray(value) || !value.every(isHandOn)) throw new Error('it is not what this program writes')
  return value
}

function isHandOn(value: unknown): value is HandOn {
  const { service, server, hand, by, at } = (value ?? {}) as Partial<Record<keyof HandOn, unknown>>
  return [service, server, by, at].every((each) => typeof each === 'string') && isHand(hand)
}

function isHand(value: unknown): value is Hand {
  const { type, keepClients, weight } = (value ?? {}) as Partial<Record<string, unknown>>
  switch (type) {
    case 'drain':
      return typeof keepClients === 'boolean'
    case 'disable':
      return true
    case 'weight':
      return Number.isInteger(weight)
    default:
      return false
  }
}
