import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

let ofSystem: SecureContext | undefined

/**
 * Whose certificates are believed: those of a PEM file, else Node's own list and that of this host, which may have a company's
 * own authority. Made once: reading the lists takes some 100 ms.
 */
export function trustOf(pem: string | undefined): SecureContext {
  if (pem !== undefined) return createSecureContext({ ca: pem })
  ofSystem ??= createSecureContext({ ca: [...getCACertificates('default'), ...getCACertificates('system')] })
  return ofSystem
}
