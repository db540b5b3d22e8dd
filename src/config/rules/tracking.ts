import type { Report } from '../diagnostic.ts'
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

/** An instance whose own interface is down is at fault in any case. */
const theOwnInterfaceIsTracked: Rule = (settings, places, report) => {
  for (const instance of settings.vrrp_instance) {
    for (const tracked of instance.track_interface) {
      if (tracked.name !== instance.interface) continue
      const message = `\`${instance.id}\` watches its own interface in any case; this has no effect`
      report('ignored-value', places.of(tracked), message, 'leave it out')
    }
  }
}

const checkersTrackWhatIsThere: Rule = (settings, places, report) => {
  const files = idsOf(settings.track_file)
  const sessions = idsOf(settings.bfd_instance)
  for (const { FILE_CHECK: fileChecks, BFD_CHECK: bfdChecks } of realServers(settings)) {
    for (const check of fileChecks) {
      if (check.track_file === undefined || files.has(check.track_file)) continue
      report('unknown-name', places.of(check, 'track_file'), `there is no track_file \`${check.track_file}\``)
    }
    for (const check of bfdChecks) {
      if (check.name === undefined || sessions.has(check.name)) continue
      report('unknown-name', places.of(check, 'name'), `there is no bfd_instance \`${check.name}\``)
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
  const groups = settings.vrrp_sync_group.filter(({ sync_group_tracking_weight: allowed }) => !allowed)
  const members = new Set(groups.flatMap(({ group }) => group.map(({ name }) => name)))
  for (const instance of settings.vrrp_instance.filter(({ id }) => members.has(id))) {
    const trackers = [
      ...instance.track_interface,
      ...instance.track_script,
      ...instance.track_process,
      ...instance.track_bfd,
    ]
    for (const tracked of trackers) {
      if (tracked.weight === undefined || tracked.weight.weight === 0) continue
      const message = `\`${instance.id}\` is in a sync group: weights of its own trackers are not taken into account`
      report(
        'bad-weight',
        places.of(tracked),
        message,
        'track it in the vrrp_sync_group, or set `sync_group_tracking_weight`',
      )
    }
  }
}

/** The user then never sees a fail-over: the priority falls, and the other director does not preempt. */
const weightsAreOfUseWithNopreempt: Rule = (settings, places, report) => {
  for (const instance of settings.vrrp_instance) {
    if (!instance.nopreempt) continue
    for (const tracked of [...instance.track_script, ...instance.track_interface, ...instance.track_process]) {
      if ((tracked.weight?.weight ?? 0) === 0) continue
      const message = `with \`nopreempt\` no other director takes over from \`${instance.id}\` because of a lower priority`
      report('bad-weight', places.of(tracked), message, 'leave the weight out: then a failure is a fault')
    }
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
  checkersTrackWhatIsThere,
  trackersSayWhatTheyWatch,
  membersHaveNoWeightsOfTheirOwn,
  weightsAreOfUseWithNopreempt,
  scriptsEndBeforeTheNextRun,
]
