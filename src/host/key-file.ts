import { HMAC_KEY_FORM, hmacKeyHex } from '../config/keywords/hmac-key.ts'
import type { Config } from '../model/config.ts'
import type { Authentication, HmacKey } from '../model/vrrp.ts'
import { readRegularFile } from './regular-file.ts'

/** The largest key, as hexadecimal digits with `hex:` and the end of its line. */
const LIMIT = 256

/** The key of `auth_hmac` in a file, as hexadecimal digits, or why it cannot be used, as a sentence. One line end behind it is none of it. */
export function readKeyFile(path: string): { readonly hex: string } | { readonly unusable: string } {
  const file = readRegularFile(path, LIMIT)
  if ('error' in file) return { unusable: `key file ${path} cannot be used: ${file.error}` }
  const hex = hmacKeyHex(file.text.replace(/\r?\n$/, ''))
  return hex === undefined ? { unusable: `key file ${path} cannot be used: it is not ${HMAC_KEY_FORM}` } : { hex }
}

/** The configuration with what is in its key files, and what is wrong with these. */
export function withKeyFiles(config: Config): { readonly config: Config; readonly errors: readonly string[] } {
  const errors: string[] = []
  const keyOf = (instance: string, key: HmacKey): HmacKey => {
    if ('hex' in key) return key
    const found = readKeyFile(key.file)
    if ('hex' in found) return { id: key.id, hex: found.hex }
    errors.push(`key ${key.id} of vrrp_instance ${instance}: ${found.unusable}`)
    return key
  }
  const withKeys = (name: string, authentication: Authentication): Authentication =>
    authentication.type === 'hmac'
      ? { ...authentication, keys: authentication.keys.map((key) => keyOf(name, key)) }
      : authentication
  const instances = config.instances.map((instance) => ({
    ...instance,
    authentication: withKeys(instance.name, instance.authentication),
  }))
  return { config: { ...config, instances }, errors }
}
