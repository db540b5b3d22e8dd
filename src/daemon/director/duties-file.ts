import { rmSync } from 'node:fs'
import { type Duties, NO_DUTIES } from '../../model/duty.ts'
import { readOwnFile, STATE_FOLDER, writeOwnFile } from '../run-file.ts'

/** Where the director of this name keeps what an operator has asked of its roles. */
export const dutiesPath = (name: string): string => `${STATE_FOLDER}/${name}.duties.json`

/** Throws when it cannot be written. */
export function keepDuties(name: string, duties: Duties): void {
  if (!duties.maintenance && duties.standby.length === 0) rmSync(dutiesPath(name), { force: true })
  else writeOwnFile(dutiesPath(name), `${JSON.stringify(duties)}\n`)
}

/** What was asked before this start. Throws when the file does not say. */
export const keptDuties = (name: string): Duties => readOwnFile(dutiesPath(name), dutiesOf) ?? NO_DUTIES

function dutiesOf(value: unknown): Duties {
  const { maintenance, standby } = (value ?? {}) as Partial<Record<keyof Duties, unknown>>
  const isNames = Array.isArray(standby) && standby.every((each): each is string => typeof each === 'string')
  if (typeof maintenance !== 'boolean' || !isNames) throw new Error('it is not what this program writes')
  return { maintenance, standby }
}
