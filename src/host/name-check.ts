import type { Report } from '../config/diagnostic.ts'
import { hostsOf } from '../config/hosts.ts'
import type { Settings } from '../config/keywords/root.ts'
import type { Places } from '../config/schema/entry.ts'
import { lookUp } from '../linux/name-lookup.ts'
import { reasonOf } from './regular-file.ts'

/** Reports names of real servers that stand for no address here and now, each at the first server that has it. */
export async function checkNames(settings: Settings, places: Places, report: Report): Promise<void> {
  const reals = settings.virtual_server.flatMap(({ real_server: servers }) => servers)
  const failures = await Promise.all(
    hostsOf(settings).map(async ({ host, family }) => {
      try {
        await lookUp(host, family)
        return []
      } catch (error) {
        return [{ host, family, reason: reasonOf(error) }]
      }
    }),
  )
  for (const { host, family, reason } of failures.flat()) {
    const real = reals.find(({ id }) => id.host === host)
    if (real === undefined) continue
    const message = `no ${family === 'inet' ? 'IPv4' : 'IPv6'} address of ${host} is found here (${reason})`
    report('host-address', places.of(real), message)
  }
}
