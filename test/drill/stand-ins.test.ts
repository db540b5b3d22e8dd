import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { withStandIns } from '../../src/drill/stand-ins.ts'
import type { Config } from '../../src/model/config.ts'
import { surroundings } from '../support/surroundings.ts'
import { pairOf, PAIR_SURROUNDINGS } from './corpus-pairs.ts'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = '/tmp/lab/director1'
const files = ['conf', 'test/config/corpus'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.conf'))
    .map((name) => `${folder}/${name}`),
)

const made = (text: string, among: Readonly<Record<string, string>> = {}) =>
  withStandIns({ name: '/etc/x.conf', text }, surroundings(among), FOLDER)
const configOf = (text: string) => loadConfig({ name: 'x.conf', text }, surroundings()).config

/** What is not about commands, nor about paths of the daemon's own. */
function withoutCommands(config: Config | undefined): unknown {
  if (config === undefined) throw new Error('there is no configuration')
  const { scripts: _, dumps: __, notRunning: ___, virtualServers, ...rest } = config
  const servers = virtualServers.map((server) => ({
    ...server,
    realServers: server.realServers.map((real) => ({
      ...real,
      checks: real.checks.map((check) => ('command' in check ? { ...check, command: undefined } : check)),
    })),
  }))
  return { ...rest, servers }
}

function commandsOf({ scripts }: Config): readonly string[] {
  const { trackers, checks, instances, groups, services, fifos, startup, shutdown } = scripts
  const found = [
    ...trackers.scripts.map(({ command }) => command),
    ...checks.map(({ check }) => check.command),
    ...[...instances, ...groups].flatMap(({ master, backup, fault, stop, any }) => [master, backup, fault, stop, any]),
    ...instances.flatMap(({ deleted, masterRxLowerPri }) => [deleted?.command, masterRxLowerPri]),
    ...services.flatMap(({ quorumUp, quorumDown, servers }) => [
      quorumUp,
      quorumDown,
      ...servers.flatMap(({ up, down }) => [up, down]),
    ]),
    ...fifos.map(({ handler }) => handler),
    startup?.command,
    shutdown?.command,
  ]
  return found.flatMap((command) => command?.argv[0] ?? [])
}

describe('a configuration with stand-ins', () => {
  test.each(files)('of %s means the same but for its commands', (file) => {
    const { director1: source } = pairOf(file)
    const { text } = withStandIns(source, PAIR_SURROUNDINGS, FOLDER)
    const again = loadConfig({ name: source.name, text }, PAIR_SURROUNDINGS)
    expect(again.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    const before = loadConfig(source, PAIR_SURROUNDINGS)
    expect(withoutCommands(again.config)).toEqual(withoutCommands(before.config))
  })

  test.each(files)('of %s runs nothing and writes nowhere but in its folder', (file) => {
    const { text } = withStandIns(pairOf(file).director1, PAIR_SURROUNDINGS, FOLDER)
    const { config } = loadConfig({ name: 'x.conf', text }, PAIR_SURROUNDINGS)
    if (config === undefined) throw new Error('there is no configuration')
    const paths = [
      ...commandsOf(config),
      ...config.scripts.trackers.files.map(({ path }) => path),
      ...config.scripts.fifos.map(({ path }) => path),
    ]
    for (const path of paths) expect(path).toMatch(new RegExp(`^${FOLDER}/`))
  })
})

test('every command keeps its text and, of a vrrp_script, its name', () => {
  const { commands } = made(`global_defs {
    startup_script "/usr/bin/begin now" root
}
vrrp_script chk {
    script "/usr/bin/killall -0 haproxy"
}
vrrp_instance a {
    interface eth0
    virtual_router_id 1
    virtual_ipaddress {
        10.0.0.1
    }
    notify "/usr/bin/tell 'two words'" nobody
}
`)
  expect(commands.map(({ use, name, command }) => [use, name, command])).toEqual([
    ['once', undefined, '/usr/bin/begin now'],
    ['tracked', 'chk', '/usr/bin/killall -0 haproxy'],
    ['notify', undefined, "/usr/bin/tell 'two words'"],
  ])
})

test('passwords stand in the text as they are, with their comment signs', () => {
  const text = `vrrp_instance a {
    interface eth0
    virtual_router_id 1
    authentication {
        auth_type PASS
        auth_pass p\\#w\\!d
    }
    virtual_ipaddress {
        10.0.0.1
    }
}
`
  expect(configOf(made(text).text)?.instances[0]?.authentication).toEqual({ type: 'pass', password: 'p#w!d' })
})

test('what is included stands in the text itself', () => {
  const { text } = made('include y.conf\n', { '/etc/y.conf': 'vrrp_script chk {\n script "/bin/true"\n}\n' })
  expect(text).toContain('vrrp_script chk {')
  expect(text).not.toContain('include')
})

test('namespaces, other users, SNMP and D-Bus of the host are left out', () => {
  const { text } = made(`net_namespace other
global_defs {
    script_user nobody
    enable_snmp_vrrp
    enable_dbus
    router_id a
}
`)
  expect(text).toBe('global_defs {\n    script_user root\n    enable_script_security\n    router_id a\n}\n')
})

test('a tracked file is one of the folder, by the name of its tracker', () => {
  const { text, files: tracked } = made('track_file load {\n file "/var/lib/my load"\n weight 2\n}\n')
  expect(tracked).toEqual(new Map([['load', `${FOLDER}/files/load`]]))
  expect(text).toContain(`file ${FOLDER}/files/load\n`)
})
