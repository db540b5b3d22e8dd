import type { Socket } from 'node:net'
import { checkServerIdentity, connect, type PeerCertificate, type SecureContext, type TLSSocket } from 'node:tls'
import type { TlsOptions } from '../../model/check.ts'
import type { Note } from '../steps.ts'
import { shown } from './shown.ts'

const DAY_MS = 86_400_000

/** A certificate that a check does not accept, in a few words. */
export class BadCertificate extends Error {}

/**
 * Begins TLS on a connection. `serverName`: for SNI; `provenName`: what the certificate must be for, with `verify`. `warning`: the certificate
 * ends soon. Rejects with what the handshake fails with, and with BadCertificate. The connection's own signal ends it.
 */
export async function beginTls(
  socket: Socket,
  secureContext: SecureContext,
  { verify, expiresWithinDays, warnWithinDays }: TlsOptions,
  { serverName = '', provenName }: { readonly serverName: string | undefined; readonly provenName: string },
  protocol: 'http/1.1' | 'h2',
  note?: Note,
): Promise<{ readonly secure: TLSSocket; readonly warning: string | undefined }> {
  const secure = connect({
    socket,
    servername: serverName,
    secureContext,
    // Refused below: until then its certificate can be looked at.
    rejectUnauthorized: false,
    checkServerIdentity: (_name, certificate) => checkServerIdentity(provenName, certificate),
    ALPNProtocols: [protocol],
  })
  try {
    await new Promise<void>((resolve, reject) => {
      secure.once('error', reject)
      secure.once('secureConnect', resolve)
    })
    note?.(tlsText(secure))
    if (verify && !secure.authorized) throw new BadCertificate(String(secure.authorizationError))
    const ends = (days: number | undefined) =>
      days === undefined ? undefined : expiryFault(secure.getPeerCertificate(), days)
    const fault = ends(expiresWithinDays)
    if (fault !== undefined) throw new BadCertificate(fault)
    return { secure, warning: ends(warnWithinDays) }
  } catch (error) {
    secure.destroy()
    throw error
  }
}

/** What both sides have agreed on, and the server's certificate, for people. */
export function tlsText(secure: TLSSocket): string {
  const { subject, subjectaltname, valid_to: until }: Partial<PeerCertificate> = secure.getPeerCertificate()
  const name = [subject?.CN].flat()[0] ?? subjectaltname ?? 'nobody'
  const terms = `${secure.getProtocol() ?? 'TLS'}, ${secure.getCipher().name}`
  return `${terms}, certificate of ${shown(name)} until ${shown(until ?? 'whenever')}`
}

/** Why a certificate is not good for so many days more. */
export function expiryFault({ valid_to: until }: Partial<PeerCertificate>, days: number): string | undefined {
  const left = (Date.parse(until ?? '') - Date.now()) / DAY_MS
  if (Number.isNaN(left)) return 'the certificate does not say until when it is good'
  if (left < 0) return `the certificate has expired at ${until}`
  return left < days ? `the certificate expires in ${Math.floor(left)} days, at ${until}` : undefined
}
