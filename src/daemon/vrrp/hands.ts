import type { Logger } from 'pino'
import { itemText } from '../../net/route-text.ts'
import type { Effect } from '../../vrrp/effect.ts'
import { FIGHT_LASTS, FIGHTS } from '../../vrrp/routing.ts'
import type { EngineState } from '../../vrrp/state.ts'
import type { Addresses } from './addresses.ts'
import type { Advertiser } from './advertiser.ts'
import type { Announcer } from './announcer.ts'
import type { HostRouting } from './host-routing.ts'
import type { InstanceRecords } from './instance-records.ts'

/** What the effects of the election are carried out with. */
export interface Tools {
  readonly log: Logger
  readonly addresses: Addresses
  readonly routing: HostRouting
  readonly advertiser: Advertiser
  readonly announcer: Announcer
  readonly records: InstanceRecords
}

/** Does what the engine says, in the order in which it says it, and says so in the log. */
export class Hands {
  readonly #log: Logger
  readonly #addresses: Addresses
  readonly #routing: HostRouting
  readonly #advertiser: Advertiser
  readonly #announcer: Announcer
  readonly #records: InstanceRecords

  constructor({ log, addresses, routing, advertiser, announcer, records }: Tools) {
    this.#log = log
    this.#addresses = addresses
    this.#routing = routing
    this.#advertiser = advertiser
    this.#announcer = announcer
    this.#records = records
  }

  /** `state`: behind the step that the effect is of. `at`: in ms since the epoch. */
  carryOut(effect: Effect, state: EngineState, at: number): void {
    switch (effect.type) {
      case 'advertise': {
        const { instance, source, priority } = effect
        this.#advertiser.send(instance, source, priority)
        this.#records.sent(instance, priority)
        if (priority === 0) this.#log.info({ instance: instance.name }, `(${instance.name}) sent 0 priority`)
        break
      }
      case 'add':
        this.#addresses.add(effect.addresses, effect.replaced)
        break
      case 'renew':
        this.#addresses.renew(effect.addresses)
        break
      case 'remove':
        this.#addresses.remove(effect.addresses, effect.scope)
        this.#addresses.repair([...state.held.values()])
        break
      case 'expire': {
        this.#addresses.expire(effect.addresses, effect.after)
        const addresses = effect.addresses.map(({ address }) => `${address.address}/${address.prefix}`)
        const ms = effect.after
        this.#log.info({ addresses, ms }, `without another master the addresses stay for ${Math.ceil(ms / 1000)} s`)
        break
      }
      case 'restore':
        this.#addresses.add(effect.addresses)
        this.#records.restored(
          [...state.members.values()].map(({ config }) => config),
          effect.addresses,
        )
        for (const { address } of effect.addresses) {
          this.#log.warn({ address: address.address }, `virtual address ${RESTORED[effect.why]}; added again`)
          this.#addresses.sayWhere(address)
        }
        break
      case 'add-routing':
        this.#routing.add(effect.items)
        break
      case 'remove-routing':
        this.#routing.remove(effect.items)
        break
      case 'restore-routing':
        for (const item of this.#routing.add(effect.items)) {
          this.#log.warn(`${item.kind} ${itemText(item)} was removed by another program, or with its link; added again`)
        }
        break
      case 'abandon-routing':
        for (const item of effect.items) {
          const often = `${FIGHTS} times within ${FIGHT_LASTS / 1000} s`
          this.#log.error(
            `${item.kind} ${itemText(item)} is removed again and again (${often}): it is left alone for now`,
          )
        }
        break
      case 'announce':
        this.#announcer.announce(effect.instance, effect.addresses, effect.repeat)
        break
      case 'introduce':
        this.#addresses.introduce(effect.instance, effect.source)
        break
      case 'transition': {
        const { instance, from, to, reason } = effect
        if (from === 'master') this.#announcer.silence(instance)
        this.#records.moved(instance, from, to, at)
        const entering = to === 'init' ? 'Stopped' : `Entering ${to.toUpperCase()} STATE`
        // A stop is asked for; a master that is lost otherwise, and a fault, somebody should look at.
        const level = to !== 'init' && (from === 'master' || to === 'fault') ? 'warn' : 'info'
        this.#log[level]({ instance: instance.name, from, to, reason }, `(${instance.name}) ${entering}: ${reason}`)
        break
      }
      case 'yielded':
      case 'resumed':
        break // the director says what came of its request
      case 'priority':
        break // that of an instance in any state is in the log, see `priorityLines`
      case 'rival': {
        const { instance, source, priority, own } = effect
        if (source === state.members.get(instance.name)?.link?.source) {
          const why = 'another host has it, too, or the network sends our adverts back'
          this.#log.warn(
            { instance: instance.name, source },
            `(${instance.name}) advert from our own address ${source}: ${why}`,
          )
          break
        }
        this.#log.warn(
          { instance: instance.name, source, priority },
          `(${instance.name}) Received advert from ${source} with lower priority ${priority}, ours ${own}, forcing new election`,
        )
        break
      }
    }
  }
}

const RESTORED = {
  taken: 'was removed by another program',
  expired: 'has expired while this process could not run',
} as const
