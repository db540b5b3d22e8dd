import { X509Certificate } from 'node:crypto'
import { readRegularFile, reasonOf } from './regular-file.ts'

/** Those of all authorities of the world are half a megabyte. */
const LIMIT = 4 << 20

/** What is in a file of certificates, for a process that may not read it; or why it cannot be used, as a sentence. */
export function readCaFile(path: string): { readonly pem: string } | { readonly unusable: string } {
  const file = readRegularFile(path, LIMIT)
  const unusable = (why: string) => ({ unusable: `smtp_ca_file ${path} cannot be used: ${why}` })
  if ('error' in file) return unusable(file.error)
  try {
    void new X509Certificate(file.text).fingerprint256
    return { pem: file.text }
  } catch (error) {
    return unusable(reasonOf(error))
  }
}
