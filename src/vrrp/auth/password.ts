import type { DropReason } from '../drop-reason.ts'
import { AUTH_TYPE, AUTHENTICATION_LENGTH, type V2Authentication } from '../packet/v2.ts'

/** RFC 2338 §5.3.6: up to 8 bytes, padded with zeros. */
export function passwordBytes(password: string): Uint8Array {
  const bytes = new Uint8Array(AUTHENTICATION_LENGTH)
  bytes.set(Buffer.from(password).subarray(0, AUTHENTICATION_LENGTH))
  return bytes
}

/** Why the authentication of a message of version 2 is not the expected one, as RFC 3768 §7.1 demands. Data without a type is ignored. */
export function v2AuthenticationError(
  received: V2Authentication,
  expected: { readonly type: 'none' | 'ah' } | { readonly type: 'pass'; readonly password: string },
): DropReason | undefined {
  if (!Object.values<number>(AUTH_TYPE).includes(received.type)) return 'authentication-unknown'
  if (received.type !== AUTH_TYPE[expected.type]) return 'authentication-type'
  if (expected.type !== 'pass') return undefined
  return Buffer.from(received.data).equals(passwordBytes(expected.password)) ? undefined : 'authentication'
}
