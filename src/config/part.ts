import type { Config } from '../model/config.ts'

/** What a daemon runs of its configuration: all of it, the election (keepalived's `-P`), or the virtual servers (`-C`). */
export type Part = 'all' | 'vrrp' | 'check'

/** A configuration without BFD (`--no_bfd`): as in keepalived, what tracks a session takes it for down. */
export const withoutBfd = (config: Config): Config => ({
  ...config,
  bfdSessions: config.bfdSessions.map((session) => ({ ...session, enabled: false })),
})

/** The part of a configuration that runs. */
export function onlyPart(config: Config, part: Part): Config {
  switch (part) {
    case 'all':
      return config
    case 'vrrp':
      return { ...config, virtualServers: [], hosts: [] }
    case 'check':
      return { ...config, instances: [], syncGroups: [] }
  }
}
