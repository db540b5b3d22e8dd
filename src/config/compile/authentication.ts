import type { Authentication, HmacKey } from '../../model/vrrp.ts'
import { authenticationOf, hmacKeysOf, hmacWindowOf } from '../effective.ts'
import { hmacKeyHex, keyFile } from '../keywords/hmac-key.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'

/** What proves that an advert of an instance is from a peer. */
export function runningAuthentication(
  instance: InstanceSettings,
  { global_defs: global }: Pick<Settings, 'global_defs'>,
): Authentication {
  const { auth_hmac: signed } = instance
  if (signed !== undefined) {
    const keys = hmacKeysOf(signed).map(({ id, value }) => runningKey(id, value.reveal()))
    const activeKey = signed.active_key ?? keys[0]?.id ?? 0
    return { type: 'hmac', keys, activeKey, window: hmacWindowOf(signed, instance), mode: signed.mode }
  }
  const simple = authenticationOf(instance, global)
  if (simple === undefined) return { type: 'none' }
  return { type: simple.type === 'AH' ? 'ah' : 'pass', password: simple.password.reveal() }
}

function runningKey(id: number, text: string): HmacKey {
  const file = keyFile(text)
  return file === undefined ? { id, hex: hmacKeyHex(text) ?? '' } : { id, file }
}
