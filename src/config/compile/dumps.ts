import type { DumpConfig } from '../../model/dumps.ts'
import { mailingOf } from '../effective.ts'
import type { Settings } from '../keywords/root.ts'

/** Which files keepalived's signals write, by keepalived's rules for their names. */
export function dumpsOf(settings: Settings): DumpConfig {
  const { global_defs: global, net_namespace: namespace, instance } = settings
  const parts = global?.data_use_instance === true ? [namespace, instance].filter((part) => part !== undefined) : []
  const suffix = parts.length === 0 ? '' : `.${parts.join('_')}`
  return {
    files: {
      state: fileOf(global?.state_dump_file, 'keepalived.data', suffix),
      stats: fileOf(global?.stats_dump_file, 'keepalived.stats', suffix),
      json: fileOf(global?.json_dump_file, 'keepalived.json', suffix),
    },
    jsonVersion: global?.json_version === '2' ? 2 : 1,
    mailing: mailingOf(settings.vrrp_instance, global),
  }
}

/** A path that ends in `/` is a folder. What tells daemons apart stands before the extension. */
function fileOf(said: string | undefined, usual: string, suffix: string): string {
  const path = said === undefined ? usual : said.endsWith('/') ? `${said}${usual}` : said
  const dot = path.indexOf('.', path.lastIndexOf('/') + 1) === -1 ? path.length : path.lastIndexOf('.')
  return `${path.slice(0, dot)}${suffix}${path.slice(dot)}`
}
