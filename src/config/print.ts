import { root, type Settings } from './keywords/root.ts'
import { printBody } from './schema/body.ts'

/**
 * The effective configuration as normalised text: every value that the file or a default gives, secrets as asterisks.
 * Read again, it gives the same settings.
 */
export function printSettings(settings: Settings): string {
  return `${printBody(root, settings).join('\n')}\n`
}
