import { authenticationOf, hmacKeysOf } from '../effective.ts'
import { removeStatement } from '../fix.ts'
import type { Report } from '../diagnostic.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'
import type { Places } from '../schema/entry.ts'
import { placeText } from '../source.ts'
import type { Rule } from './rule.ts'

type Signed = InstanceSettings & { readonly auth_hmac: NonNullable<InstanceSettings['auth_hmac']> }

/** A rule that looks at each instance that signs its adverts. */
const ofEachSigned =
  (check: (instance: Signed, places: Places, report: Report, settings: Settings) => void): Rule =>
  (settings, places, report) => {
    for (const instance of settings.vrrp_instance) {
      const { auth_hmac } = instance
      if (auth_hmac !== undefined) check({ ...instance, auth_hmac }, places, report, settings)
    }
  }

const signaturesHaveAKey = ofEachSigned(({ auth_hmac: signed }, places, report) => {
  if (signed.key.length > 0 || places.broken(signed, 'key')) return
  report('missing-keyword', places.of(signed), '`auth_hmac` needs a `key`')
})

const keysHaveOneNumberEach = ofEachSigned(({ auth_hmac: signed }, places, report) => {
  for (const key of signed.key) {
    const first = signed.key.find(({ id }) => id === key.id)
    if (first === undefined || first === key) continue
    report('duplicate-name', places.of(key), `key ${key.id} is there already, at ${placeText(places.of(first))}`)
  }
})

const theActiveKeyIsThere = ofEachSigned(({ auth_hmac: signed }, places, report) => {
  const { active_key: active } = signed
  if (active === undefined || places.broken(signed, 'key')) return
  if (hmacKeysOf(signed).some(({ id }) => id === active)) return
  report('unknown-name', places.of(signed, 'active_key'), `there is no \`key\` with the number ${active}`)
})

const onlyTimesHaveAWindow = ofEachSigned(({ auth_hmac: signed }, places, report) => {
  if (signed.anti_replay === 'time' || signed.time_window === undefined) return
  const at = places.of(signed, 'time_window')
  const message = '`time_window` has no effect with `anti_replay monotonic`'
  report('ignored-value', at, message, 'leave it out', removeStatement(at))
})

const signaturesStandAlone = ofEachSigned((instance, places, report, { global_defs: global }) => {
  if (authenticationOf(instance, global) === undefined) return
  const at = places.said(instance, 'authentication') ?? places.of(instance.auth_hmac)
  report('bad-authentication', at, 'an instance has `authentication` or `auth_hmac`, not both', 'leave this one out')
})

export const hmacRules: readonly Rule[] = [
  signaturesHaveAKey,
  keysHaveOneNumberEach,
  theActiveKeyIsThere,
  onlyTimesHaveAWindow,
  signaturesStandAlone,
]
