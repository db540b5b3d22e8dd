import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { TlsClient } from '../model/check.ts'
import { CannotAsk } from './probes/finding.ts'

let client: TlsClient = {}
let contexts = new Map<boolean, SecureContext>()

/** From now on TLS checks have this of the SSL block. */
export function useTlsClient(of: TlsClient): void {
  if (JSON.stringify(of) === JSON.stringify(client)) return
  client = of
  contexts = new Map()
}

/**
 * What TLS checks show to servers, and with `verify` whom they believe: the authorities of the SSL block, else Node's own list and that of
 * this host. Made once, since reading the lists takes some 100 ms. Throws CannotAsk when the SSL block cannot be used.
 */
export function tlsContext(verify: boolean): SecureContext {
  const known = contexts.get(verify)
  if (known !== undefined) return known
  const { fault, ca, certificate, key, password } = client
  if (fault !== undefined) throw new CannotAsk(fault)
  try {
    const context = createSecureContext({
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
      ...(password === undefined ? {} : { passphrase: password }),
      ...(verify ? { ca: ca ?? [...getCACertificates('default'), ...getCACertificates('system')] } : {}),
    })
    contexts.set(verify, context)
    return context
  } catch (error) {
    throw new CannotAsk(`the SSL block cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  }
}
