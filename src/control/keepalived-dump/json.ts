import type { Config } from '../../model/config.ts'
import type { ProcessTracker, TrackerResult } from '../../model/tracking.ts'
import type { VrrpInstance } from '../../model/vrrp.ts'
import type { InstanceSnapshot } from '../snapshot.ts'
import { keepalivedStats } from './stats.ts'
import { addressText, commandText, STATES } from './words.ts'

const MATCHES: Readonly<Record<ProcessTracker['parameters'], string>> = {
  ignored: 'none',
  equal: 'exact',
  initial: 'initial',
  partial: 'partial',
}

/** keepalived.json, with keepalived's keys; no password. Lists that are empty are left out, as there. */
export function jsonText(
  config: Config,
  instances: readonly InstanceSnapshot[],
  results: readonly TrackerResult[],
): string {
  const known = new Map(instances.map((each) => [each.name, each]))
  const vrrp = config.instances.flatMap((instance) => {
    const now = known.get(instance.name)
    return now === undefined ? [] : [{ data: instanceData(instance, now, config), stats: keepalivedStats(now) }]
  })
  const processes = config.scripts.trackers.processes.map((process) => processData(process, results))
  const whole = config.dumps.jsonVersion === 1 ? vrrp : { vrrp, ...list('track_process', processes) }
  return `${JSON.stringify(whole)}\n`
}

function instanceData(instance: VrrpInstance, now: InstanceSnapshot, config: Config): object {
  const { garp, tracks } = instance
  const isMaster = now.state === 'master'
  const master = now.state === 'backup' ? now.peers.findLast(({ rejected }) => rejected === undefined) : undefined
  const commands = config.scripts.instances.find(({ name }) => name === instance.name)
  const scripts = {
    script_backup: commands?.backup,
    script_master: commands?.master,
    script_fault: commands?.fault,
    script_stop: commands?.stop,
    script_deleted: commands?.deleted?.command,
    script: commands?.any,
    script_master_rx_lower_pri: commands?.masterRxLowerPri,
  }
  const tracked = (kind: string) => tracks.filter((track) => track.kind === kind).map(({ name }) => name)
  const commandOf = (name: string) => {
    const script = config.scripts.trackers.scripts.find((each) => each.name === name)
    return script === undefined ? [] : [commandText(script.command)]
  }
  return {
    iname: instance.name,
    dont_track_primary: Number(!instance.trackPrimary),
    skip_check_adv_addr: Number(!instance.checkAddresses),
    strict_mode: 0,
    vmac_ifname: '',
    ifp_ifname: instance.interface,
    master_priority: master?.priority ?? 0,
    last_transition: Date.parse(now.since) / 1000,
    garp_delay: garp.delay / 1000,
    garp_refresh: 0,
    garp_rep: garp.repeat,
    garp_refresh_rep: 1,
    garp_lower_prio_delay: Math.floor(garp.delay / 1000),
    garp_lower_prio_rep: garp.repeat,
    lower_prio_no_advert: 0,
    higher_prio_send_advert: 0,
    vrid: instance.vrid,
    base_priority: instance.priority,
    effective_priority: now.effectivePriority,
    vipset: isMaster,
    promote_secondaries: false,
    adver_int: instance.advertInt / 1000,
    master_adver_int: instance.advertInt / 1000,
    accept: 1,
    nopreempt: !instance.preempt,
    preempt_delay: Math.floor(instance.preemptDelay / 1000),
    state: STATES.indexOf(now.state),
    wantstate: STATES.indexOf(now.state),
    version: instance.version,
    smtp_alert: config.dumps.mailing.includes(instance.name),
    notify_deleted: commands?.deleted !== undefined,
    ...Object.fromEntries(
      Object.entries(scripts).flatMap(([key, command]) => (command === undefined ? [] : [[key, commandText(command)]])),
    ),
    ...list(
      'vips',
      instance.addresses.map((each) => addressText(each, isMaster)),
    ),
    ...list(
      'evips',
      instance.excludedAddresses.map((each) => addressText(each, isMaster)),
    ),
    ...list('track_ifp', tracked('interface')),
    ...list('track_script', tracked('script').flatMap(commandOf)),
    ...list('track_process', tracked('process')),
    auth_type: { none: 0, pass: 1, ah: 2, hmac: 0 }[instance.authentication.type],
  }
}

const list = (key: string, items: readonly unknown[]) => (items.length === 0 ? {} : { [key]: items })

function processData(process: ProcessTracker, results: readonly TrackerResult[]): object {
  const parameters = process.command.slice(1)
  const result = results.find(({ kind, name }) => kind === 'process' && name === process.name)
  return {
    process: process.name,
    ...(parameters.length === 0 ? {} : { parameters: parameters.join(' ') }),
    param_match: MATCHES[process.parameters],
    min_processes: process.quorum,
    ...(process.quorumMax === undefined ? {} : { max_processes: process.quorumMax }),
    have_quorum: result?.value.type === 'good',
    terminate_delay: process.terminateDelay / 1000,
    fork_delay: process.forkDelay / 1000,
    full_command: process.fullCommand,
  }
}
