import { networkCheckers } from './checkers-of.ts'
import { isIpv4 } from '../net/address.ts'
import { type Millis, seconds } from '../time.ts'
import type { InstanceSettings, RealServerSettings, Settings, VirtualServerSettings } from './keywords/root.ts'
import { globalDefs } from './keywords/global.ts'
import { initialValues } from './schema/body.ts'

/** Gratuitous ARPs of a block, and the pause before the second one, when nothing says it (keepalived's figures). */
const GARP_REPEAT = 5
const GARP_DELAY = seconds(5)

/**
 * Fills in, in place, every value that comes from elsewhere when its block does not say it: from `global_defs`, from
 * the virtual server or the real server, or from another value. After this an `inherited` value is never undefined
 * unless its type says so.
 */
export function fillDefaults(settings: Settings): void {
  settings.global_defs ??= initialValues(globalDefs)
  for (const instance of settings.vrrp_instance) fillInstance(instance, settings.global_defs)
  for (const server of settings.virtual_server) fillVirtualServer(server, settings.global_defs)
}

function fillInstance(instance: InstanceSettings, global: NonNullable<Settings['global_defs']>): void {
  const [first] = instance.virtual_ipaddress
  const ipv6 = first !== undefined && !isIpv4(first.prefix.address)
  instance.version ??= ipv6 ? '3' : global.vrrp_version
  instance.priority ??= instance.state === 'MASTER' ? 255 : 100
  const [delay, repeat] = global.vrrp_min_garp === true ? [seconds(0), 1] : [GARP_DELAY, GARP_REPEAT]
  instance.garp_master_delay ??= global.vrrp_garp_master_delay ?? delay
  instance.garp_master_repeat ??= global.vrrp_garp_master_repeat ?? repeat
}

function fillVirtualServer(server: VirtualServerSettings, global: NonNullable<Settings['global_defs']>): void {
  for (const real of server.real_server) {
    real.weight ??= server.weight ?? 1
    real.inhibit_on_failure ??= server.inhibit_on_failure ?? false
    real.delay_loop ??= server.delay_loop
    real.connect_timeout ??= server.connect_timeout
    real.virtualhost ??= server.virtualhost
    real.slow_start ??= server.slow_start
    if (server.alpha) real.alpha ??= true
    fillCheckers(real, server)
    for (const check of [...networkCheckers(real), ...real.MISC_CHECK]) {
      fillStart(check, real, global)
      check.rise ??= server.rise
      check.fall ??= server.fall
      check.fast_interval ??= server.fast_interval
    }
  }
}

/** Only what is said somewhere is filled in: `off` is the same as nothing. */
function fillStart(
  check: { alpha: boolean | undefined; log_all_failures: boolean | undefined },
  { alpha }: RealServerSettings,
  { checker_log_all_failures: all }: NonNullable<Settings['global_defs']>,
): void {
  if (alpha === true) check.alpha ??= true
  if (all === true) check.log_all_failures ??= true
}

/** What every checker with a schedule of its own has. */
interface Scheduled {
  delay_loop: Millis
  retry: number
  delay_before_retry: Millis
  warmup: Millis
}

function fillCheckers(real: RealServerSettings, server: VirtualServerSettings): void {
  const fill = (check: Scheduled & { connect_timeout?: Millis }, retry: number, pause: Millis): void => {
    check.delay_loop ??= real.delay_loop
    check.retry ??= real.retry ?? server.retry ?? retry
    check.delay_before_retry ??= real.delay_before_retry ?? server.delay_before_retry ?? pause
    check.warmup ??= real.warmup ?? server.warmup ?? check.delay_loop
    if ('connect_timeout' in check) check.connect_timeout ??= real.connect_timeout
  }
  for (const check of [...real.PING_CHECK, ...real.TCP_CHECK, ...real.UDP_CHECK, ...real.SMTP_CHECK]) {
    fill(check, 1, seconds(1))
  }
  for (const check of real.DNS_CHECK) fill(check, 3, check.delay_loop ?? real.delay_loop)
  for (const check of [...real.MISC_CHECK, ...real.AGENT_CHECK]) fill(check, 0, seconds(1))
  for (const check of [...real.HTTP_GET, ...real.SSL_GET]) {
    fill(check, 1, seconds(3))
    check.virtualhost ??= real.virtualhost
    for (const url of check.url) url.virtualhost ??= check.virtualhost
  }
}
