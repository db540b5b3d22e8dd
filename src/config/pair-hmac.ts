import { hmacKeysOf } from './effective.ts'
import type { InstanceSettings } from './keywords/root.ts'

type Signed = InstanceSettings['auth_hmac']

/** Why directors with these blocks `auth_hmac` would drop adverts of each other; undefined if they do not. Shows no key. */
export function hmacDifference(here: Signed, there: Signed): string | undefined {
  return (
    dropped(here, there, 'the adverts of this director', 'the other one') ??
    dropped(there, here, 'the adverts of the other director', 'this one')
  )
}

/** Why a receiver drops what a sender sends. */
function dropped(sender: Signed, receiver: Signed, adverts: string, by: string): string | undefined {
  const signs = sender !== undefined && sender.mode !== 'receive-only'
  if (receiver === undefined) return signs ? `${adverts} are signed, and ${by} has no auth_hmac` : undefined
  if (receiver.mode !== 'enforce') return undefined
  if (!signs) return `${adverts} are not signed, and ${by} enforces it`
  const keys = hmacKeysOf(sender)
  const active = keys.find(({ id }) => id === (sender.active_key ?? keys[0]?.id))
  if (active === undefined) return undefined // told by a rule
  const known = hmacKeysOf(receiver).find(({ id }) => id === active.id)
  if (known === undefined) return `${adverts} are signed with key ${active.id}, which ${by} does not have`
  const [ours, theirs] = [active.value.reveal(), known.value.reveal()]
  // What is in a file, nobody looks at here.
  const isOther = ours !== theirs && ![ours, theirs].some((each) => each.startsWith('file:'))
  return isOther ? `${adverts} are signed with key ${active.id}, which is another one in ${by}` : undefined
}
