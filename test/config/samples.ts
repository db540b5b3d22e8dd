import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = '/usr/share/doc/keepalived/samples'

/** The examples of Debian's keepalived package. None where the machine installs packages without documentation. */
export function samples(): string[] {
  if (!existsSync(FOLDER)) {
    console.log(`no examples of keepalived are compared: ${FOLDER} is not here`)
    return []
  }
  return readdirSync(FOLDER)
    .filter((name) => name.startsWith('keepalived.conf'))
    .map((name) => join(FOLDER, name))
}
