import type { Effect } from '../../vrrp/effect.ts'
import type { Event, HeldAddress } from '../../vrrp/state.ts'
import type { VirtualAddress } from '../../model/vrrp.ts'
import { itemText } from '../../net/route-text.ts'

/** What the engine is told, in a few words. Never a password: configurations are named, not shown. */
export function eventText(event: Event): string {
  switch (event.type) {
    case 'inherit':
      return `inherit ${held(event.addresses)}`
    case 'configure': {
      const names = event.instances.map(({ name }) => name)
      return `configure ${named(names)}, ${event.groups.length} sync groups`
    }
    case 'network': {
      const interfaces = event.interfaces.map(
        ({ name, up, addresses }) => `${name} ${up ? 'up' : 'down'} ${addresses.length}`,
      )
      return `network: ${named(interfaces)}`
    }
    case 'routing':
      return `routing: ${event.missing.length} missing`
    case 'advert':
      return `advert for ${event.instance} from ${event.source}, priority ${event.priority}, interval ${event.interval} ms`
    case 'adopt':
      return `adopt ${named(event.masters.map(({ name }) => name))}`
    case 'trackers': {
      const results = event.results.map(({ kind, name, value }) => {
        return `${kind} ${name} ${value.type === 'number' ? value.value : value.type}`
      })
      return `trackers: ${named(results)}`
    }
    case 'yield':
      return `hand over ${named(event.instances)}, then ${event.duty}${event.force ? ', by force' : ''}`
    case 'resume':
      return `take part again: ${named(event.instances)}${event.take ? ', taking the role back' : ''}`
    case 'checked':
      return 'all checks have had a result'
    case 'hand-over':
      return 'another process takes over'
    case 'deadline':
      return 'deadline'
    case 'stop':
      return `stop, ${event.keepAddresses ? 'keeping' : 'removing'} the addresses`
  }
}

/** What the engine has done, in a few words. */
export function effectText(effect: Effect): string {
  switch (effect.type) {
    case 'advertise':
      return `${effect.instance.name}: advertise priority ${effect.priority} from ${effect.source}`
    case 'add':
    case 'restore':
    case 'renew':
      return `${effect.type} ${held(effect.addresses)}`
    case 'remove':
      return `remove ${named(effect.addresses.map(addressText))}${effect.scope === 'ours' ? ' if ours' : ''}`
    case 'expire':
      return `let ${held(effect.addresses)} expire after ${effect.after} ms`
    case 'add-routing':
    case 'restore-routing':
    case 'abandon-routing':
    case 'remove-routing':
      return `${effect.type} ${named(effect.items.map(itemText))}`
    case 'announce':
      return `${effect.instance.name}: announce the addresses`
    case 'introduce':
      return `${effect.instance.name}: tell the peers of ${effect.source}`
    case 'transition':
      return `${effect.instance.name}: ${effect.from} → ${effect.to}: ${effect.reason}`
    case 'priority':
      return `${effect.instance.name}: ${effect.state} with priority ${effect.priority}`
    case 'yielded':
    case 'resumed':
      return `${effect.instance.name}: ${effect.type}: ${effect.result.outcome}`
    case 'rival':
      return `${effect.instance.name}: rival ${effect.source}, priority ${effect.priority}`
  }
}

const named = (names: readonly string[]): string => (names.length === 0 ? 'nothing' : names.join(', '))
const addressText = ({ address, prefix, device }: VirtualAddress): string => `${address}/${prefix} on ${device}`
const held = (addresses: readonly HeldAddress[]): string => named(addresses.map(({ address }) => addressText(address)))
