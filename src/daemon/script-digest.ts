import { createHash } from 'node:crypto'
import type { ScriptConfig } from '../model/notify.ts'

/** Tells configurations of the script process apart: both ends read the file, and it may have changed in between. */
export function scriptDigest(config: ScriptConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex')
}
