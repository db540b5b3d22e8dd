import type { Report } from '../diagnostic.ts'
import { isForCheckers } from '../compile/bfd.ts'
import { advertIntervalOf } from '../effective.ts'
import { hasOwner, type TrackLine, trackLines, weightlessAs, withoutWeight } from '../effective-weights.ts'
import { removeStatement } from '../fix.ts'
import type { Settings } from '../keywords/root.ts'
import type { Tracked } from '../keywords/tracking.ts'
import type { Places } from '../schema/entry.ts'
import { reportRepeats, type Rule } from './rule.ts'

const groupMembersExist: Rule = (settings, places, report) => {
  const names = new Set(settings.vrrp_instance.map(({ id }) => id))
  for (const { group } of [...settings.vrrp_sync_group, ...settings.track_group]) {
    for (const member of group) {
      if (!names.has(member.name)) {
        report('unknown-name', places.of(member), `there is no vrrp_instance \`${member.name}\``)
      }
    }
  }
}

const membersAreInOneGroup: Rule = (settings, places, report) => {
  const items = settings.vrrp_sync_group.flatMap(({ group }) =>
    group.map((member) => ({ key: member.name, at: places.of(member) })),
  )
  reportRepeats(items, report, 'duplicate-name', (name) => `\`${name}\` is in a sync group already`)
}

const groupsHaveMembers: Rule = (settings, places, report) => {
  for (const block of settings.vrrp_sync_group) {
    if (block.group.length === 0 && !places.broken(block, 'group')) {
      report('unused', places.of(block), `sync group \`${block.id}\` has no members, and no effect`)
    }
    if (block.group.length === 1) {
      report('lonely-member', places.of(block), `sync group \`${block.id}\` has one member: it changes nothing`)
    }
  }
}

const namesOfTrackersAreUnique: Rule = (settings, places, report) => {
  const kinds = {
    vrrp_sync_group: settings.vrrp_sync_group,
    vrrp_script: settings.vrrp_script,
    track_file: settings.track_file,
    vrrp_track_process: settings.vrrp_track_process,
    bfd_instance: settings.bfd_instance,
    virtual_server_group: settings.virtual_server_group,
    track_group: settings.track_group,
  }
  for (const [kind, blocks] of Object.entries(kinds)) {
    const items = blocks.map((block) => ({ key: block.id, at: places.of(block) }))
    reportRepeats(items, report, 'duplicate-name', (name) => `another ${kind} is named \`${name}\``)
  }
}

const trackersExist: Rule = (settings, places, report) => {
  const kinds = {
    track_script: { what: 'vrrp_script', names: idsOf(settings.vrrp_script) },
    track_file: { what: 'track_file', names: idsOf(settings.track_file) },
    track_process: { what: 'vrrp_track_process', names: idsOf(settings.vrrp_track_process) },
    track_bfd: { what: 'bfd_instance', names: idsOf(settings.bfd_instance) },
  } as const
  for (const block of [...settings.vrrp_instance, ...settings.vrrp_sync_group]) {
    for (const [keyword, { what, names }] of Object.entries(kinds)) {
      reportUnknown(block[keyword as keyof typeof kinds], names, what, places, report)
    }
    for (const keyword of [...(Object.keys(kinds) as (keyof typeof kinds)[]), 'track_interface' as const]) {
      const items = block[keyword].map((tracked) => ({ key: tracked.name, at: places.of(tracked) }))
      const message = (name: string) => `\`${name}\` is tracked already`
      reportRepeats(items, report, 'repeated-name', message, { hint: 'the first one counts', fix: removeStatement })
    }
  }
}

const idsOf = (blocks: readonly { readonly id: string }[]): ReadonlySet<string> => new Set(blocks.map(({ id }) => id))

function reportUnknown(
  tracked: readonly Tracked[],
  names: ReadonlySet<string>,
  what: string,
  places: Places,
  report: Report,
): void {
  for (const each of tracked) {
    if (!names.has(each.name)) report('unknown-name', places.of(each), `there is no ${what} \`${each.name}\``)
  }
}

/** What nobody tracks is never looked at, here and in keepalived. */
const trackersAreTracked: Rule = (settings, places, report) => {
  const blocks = [...settings.vrrp_instance, ...settings.vrrp_sync_group]
  const unused = (
    kind: string,
    trackers: readonly { readonly id: string }[],
    tracked: readonly { readonly name: string }[],
  ) => {
    const names = new Set(tracked.map(({ name }) => name))
    for (const block of trackers.filter(({ id }) => !names.has(id))) {
      report('unused', places.of(block), `no instance or group tracks the ${kind} \`${block.id}\`: it has no effect`)
    }
  }
  unused(
    'vrrp_script',
    settings.vrrp_script,
    blocks.flatMap(({ track_script: names }) => names),
  )
  unused(
    'vrrp_track_process',
    settings.vrrp_track_process,
    blocks.flatMap(({ track_process: names }) => names),
  )
}

const theOwnInterfaceIsTracked: Rule = (settings, places, report) => {
  for (const instance of settings.vrrp_instance) {
    for (const tracked of instance.track_interface) {
      if (tracked.name !== instance.interface) continue
      const message = instance.dont_track_primary
        ? `\`${instance.id}\` does not watch its own interface, as \`dont_track_primary\` says; this has no effect`
        : `\`${instance.id}\` watches its own interface in any case; this has no effect`
      report('ignored-value', places.of(tracked), message, 'leave it out')
    }
  }
}

const theTrackedSourceIsSaid: Rule = (settings, places, report) => {
  for (const instance of settings.vrrp_instance) {
    if (!instance.track_src_ip || (instance.unicast_src_ip ?? instance.mcast_src_ip) !== undefined) continue
    const message = `\`${instance.id}\` says no source: an address of its interface is needed in any case`
    report('ignored-value', places.of(instance, 'track_src_ip'), message, 'leave it out')
  }
}

/** Peers take over after three intervals: a master that has lost its link must know it before. */
const delaysOfLinksAreShort: Rule = (settings, places, report) => {
  for (const line of settings.interface_up_down_delays) {
    const longest = Math.max(line.down, line.up ?? 0)
    const [fastest] = settings.vrrp_instance
      .filter((instance) => instance.interface === line.interface)
      .toSorted((a, b) => advertIntervalOf(a) - advertIntervalOf(b))
    if (fastest === undefined || longest < 2 * advertIntervalOf(fastest)) continue
    const message = `a delay of ${longest / 1000} s is cut to less than two advert intervals of \`${fastest.id}\``
    report('rounded-value', places.of(line), message)
  }
}

const checkersTrackWhatIsThere: Rule = (settings, places, report) => {
  const files = idsOf(settings.track_file)
  const sessions = idsOf(settings.bfd_instance)
  const ofCheckers = idsOf(settings.bfd_instance.filter(isForCheckers))
  for (const { FILE_CHECK: fileChecks, BFD_CHECK: bfdChecks } of realServers(settings)) {
    for (const check of fileChecks) {
      if (check.track_file === undefined || files.has(check.track_file)) continue
      report('unknown-name', places.of(check, 'track_file'), `there is no track_file \`${check.track_file}\``)
    }
    for (const check of bfdChecks) {
      if (check.name === undefined || ofCheckers.has(check.name)) continue
      const message = sessions.has(check.name)
        ? `\`${check.name}\` is for VRRP only: say \`checker\` in the bfd_instance, too`
        : `there is no bfd_instance \`${check.name}\``
      report('unknown-name', places.of(check, 'name'), message)
    }
  }
}

const realServers = (settings: Settings) => settings.virtual_server.flatMap(({ real_server: servers }) => servers)

const trackersSayWhatTheyWatch: Rule = (settings, places, report) => {
  const need = (block: { readonly id: string }, value: unknown, keyword: string) => {
    if (value === undefined && !places.broken(block, keyword))
      report('missing-keyword', places.of(block), `\`${block.id}\` needs \`${keyword}\``)
  }
  for (const block of settings.vrrp_script) need(block, block.script, 'script')
  for (const block of settings.track_file) need(block, block.file, 'file')
  for (const block of settings.vrrp_track_process) need(block, block.process, 'process')
  for (const block of settings.bfd_instance) need(block, block.neighbor_ip, 'neighbor_ip')
}

/** keepalived drops the weights of members' trackers without a word; its users ask why nothing happens. */
const membersHaveNoWeightsOfTheirOwn: Rule = (settings, places, report) => {
  for (const instance of settings.vrrp_instance) {
    if (weightlessAs(instance, settings) !== 'member') continue
    for (const line of trackLines(instance, settings)) {
      const what = effectText(line, 'member')
      if (what === undefined) continue
      const message = `\`${instance.id}\` is in a sync group: weights of its own trackers are not taken into account; ${what}`
      const hint = 'track it in the vrrp_sync_group, or set `sync_group_tracking_weight`'
      report('bad-weight', places.of(line.said), message, hint)
    }
  }
}

/** The priority of an owner never changes; a group with one has no priority that could. */
const ownersHaveNoWeights: Rule = (settings, places, report) => {
  for (const instance of settings.vrrp_instance) {
    if (weightlessAs(instance, settings) !== 'owner') continue
    for (const line of trackLines(instance, settings)) {
      const what = line.kind === 'process' && line.weight !== 0 ? 'it has no effect' : effectText(line, 'owner')
      if (what === undefined) continue
      const message = `\`${instance.id}\` owns the addresses, and its priority stays 255; ${what}`
      report('bad-weight', places.of(line.said), message, 'leave the weight out: then a failure is a fault')
    }
  }
  for (const group of settings.vrrp_sync_group.filter((each) => hasOwner(each, settings))) {
    for (const { said, weight } of trackLines(group, settings)) {
      if (weight === 0) continue
      const message = `a member of \`${group.id}\` owns the addresses: \`${said.name}\` has no weight, and is a fault while it is bad`
      report('bad-weight', places.of(said), message)
    }
  }
}

/** What a line does whose weight does not count; undefined when it is as it says. */
function effectText(line: TrackLine, why: 'member' | 'owner'): string | undefined {
  switch (withoutWeight(line, why)) {
    case 'as it is':
      return undefined
    case 'nothing':
      return `\`${line.said.name}\` has no effect`
    case 'fault': {
      const bad = line.kind === 'file' ? 'any number but 0' : 'being down'
      return `of \`${line.said.name}\`, ${bad} is a fault`
    }
  }
}

/** The user then never sees a fail-over: the priority falls, and the other director does not preempt. */
const weightsAreOfUseWithNopreempt: Rule = (settings, places, report) => {
  for (const instance of settings.vrrp_instance) {
    if (!instance.nopreempt) continue
    for (const tracked of [
      ...instance.track_script,
      ...instance.track_interface,
      ...instance.track_process,
      ...instance.track_bfd,
    ]) {
      if ((tracked.weight?.weight ?? 0) === 0) continue
      const message = `with \`nopreempt\` no other director takes over from \`${instance.id}\` because of a lower priority`
      report('bad-weight', places.of(tracked), message, 'leave the weight out: then a failure is a fault')
    }
  }
}

/** Without a quorum, `quorum_max 0` says that there must be none. */
const quorumsOfProcessesAreNoMoreThanTheirMaximum: Rule = (settings, places, report) => {
  for (const block of settings.vrrp_track_process) {
    const { quorum, quorum_max: most } = block
    if (most === undefined || most >= quorum || (most === 0 && quorum === 1)) continue
    report('bad-quorum', places.of(block, 'quorum_max'), 'it is less than `quorum`, and is not taken into account')
  }
}

const processesCanHaveTheirNames: Rule = (settings, places, report) => {
  for (const block of settings.vrrp_track_process) {
    const { process: command = [], param_match: match, full_command: full } = block
    if (full || match !== undefined || command.length !== 1 || !command[0]?.includes('/')) continue
    const message = 'a process is never named with its path: none is found'
    report('ignored-value', places.of(block, 'process'), message, 'leave the path out, or add `full_command`')
  }
}

const scriptsEndBeforeTheNextRun: Rule = (settings, places, report) => {
  for (const block of settings.vrrp_script) {
    if (block.timeout === undefined || block.interval === undefined || block.timeout <= block.interval) continue
    report('long-timeout', places.of(block, 'timeout'), 'the timeout is longer than the interval: runs are left out')
  }
}

export const trackingRules: readonly Rule[] = [
  groupMembersExist,
  membersAreInOneGroup,
  groupsHaveMembers,
  namesOfTrackersAreUnique,
  trackersExist,
  trackersAreTracked,
  theOwnInterfaceIsTracked,
  theTrackedSourceIsSaid,
  delaysOfLinksAreShort,
  checkersTrackWhatIsThere,
  trackersSayWhatTheyWatch,
  membersHaveNoWeightsOfTheirOwn,
  ownersHaveNoWeights,
  weightsAreOfUseWithNopreempt,
  quorumsOfProcessesAreNoMoreThanTheirMaximum,
  processesCanHaveTheirNames,
  scriptsEndBeforeTheNextRun,
]
