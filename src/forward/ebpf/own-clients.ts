import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { acceptsLocal, setAcceptLocal } from '../../linux/loopback.ts'

/** An empty folder in that of a core: the switch of the loopback interface was off before the core came. */
const noteOf = (core: string) => `${core}/accept-local`

/**
 * Has the kernel deliver what servers answer to this director itself. `core` is the core's folder, `wasOff` what this returned before, if it
 * was called. Returns whether the switch is to be put back at the end. Throws SystemError.
 */
export function serveOwnClients(core: string, wasOff: boolean): boolean {
  const isOn = acceptsLocal()
  const putsBack = wasOff || !isOn || existsSync(noteOf(core))
  if (putsBack) mkdirSync(noteOf(core), { recursive: true, mode: 0o700 })
  if (!isOn) setAcceptLocal(true)
  return putsBack
}

/** Puts the switch back as it was. Throws SystemError. */
export function leaveOwnClients(core: string): void {
  if (!existsSync(noteOf(core))) return
  setAcceptLocal(false)
  rmdirSync(noteOf(core))
}
