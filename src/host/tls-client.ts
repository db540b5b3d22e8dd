import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { TlsClient, TlsClientFiles } from '../model/check.ts'
import { readRegularFile, reasonOf } from './regular-file.ts'

/** Certificates of all authorities of the world are half a megabyte. */
const LIMIT = 4 << 20

/** What is in the files of the SSL block, for a process that may not read them, and whether it is of use. */
export function readTlsClient({ password, ...files }: TlsClientFiles = {}): TlsClient {
  const read: { ca?: string; certificate?: string; key?: string } = {}
  for (const keyword of ['ca', 'certificate', 'key'] as const) {
    const path = files[keyword]
    if (path === undefined) continue
    const file = readRegularFile(path, LIMIT)
    if ('error' in file) return { fault: `${keyword} ${path} of the SSL block cannot be used: ${file.error}` }
    read[keyword] = file.text
  }
  try {
    const { ca, certificate: cert, key } = read
    // OpenSSL passes over what is no certificate, and would believe nobody.
    if (ca !== undefined) void new X509Certificate(ca).fingerprint256
    createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(password === undefined ? {} : { passphrase: password }),
    })
  } catch (error) {
    return { fault: `the SSL block cannot be used: ${reasonOf(error)}` }
  }
  return password === undefined ? read : { ...read, password }
}
