import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { correctedText, type Fix } from '../config/fix.ts'
import type { Source } from '../config/source.ts'
import { unifiedDiff } from '../config/unified-diff.ts'
import { readConfigFile } from '../host/config-file.ts'
import { reasonOf } from '../host/regular-file.ts'

/**
 * `tanistd -t --fix`: shows the corrections of the files, and of what they include, as a diff on stdout; with `write` they are
 * made. False when one could not be written; then its file is as it was.
 */
export function fixFiles(
  files: readonly string[],
  options: { readonly configId: string; readonly write?: true },
): boolean {
  const texts = new Map<string, { readonly text: string; readonly fixes: Map<string, Fix> }>()
  for (const file of files) {
    const read = readConfigFile(file, options.configId)
    if ('unreadable' in read) continue
    for (const { fix } of read.loaded.diagnostics) {
      if (fix === undefined) continue
      const { source, start, end } = fix.at
      // A file that is included twice has the same mistakes twice.
      const known = texts.get(source.name) ?? { text: source.text, fixes: new Map<string, Fix>() }
      texts.set(source.name, known)
      known.fixes.set(`${start} ${end}`, fix)
    }
  }
  let written = true
  let count = 0
  for (const [name, { text, fixes }] of texts) {
    const corrections = [...fixes.values()]
    process.stdout.write(unifiedDiff(name, text, corrections))
    count += corrections.length
    if (options.write !== true) continue
    try {
      writeCorrected({ name, text }, correctedText(text, corrections))
    } catch (error) {
      process.stderr.write(`tanistd: ${name} is left as it was: ${reasonOf(error)}\n`)
      written = false
    }
  }
  const corrections = `${count} correction${count === 1 ? '' : 's'}`
  const how = options.write === true || count === 0 ? '' : '; --fix --write makes them'
  process.stderr.write(`${corrections}${how}\n`)
  return written
}

/** In one step, with the mode and owner that the file has. Throws, and changes nothing, when it is not what was read. */
function writeCorrected({ name, text }: Source, corrected: string): void {
  const path = realpathSync(name)
  const { mode, uid, gid } = statSync(path)
  if (!statSync(path).isFile()) throw new Error('it is not a regular file')
  if (!readFileSync(path).equals(Buffer.from(text)))
    throw new Error('it has changed since it was read, or is not UTF-8')
  const temporary = `${path}.tanist-fix`
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    writeFileSync(fd, corrected)
    fchownSync(fd, uid, gid)
    fchmodSync(fd, mode & 0o7777)
    fsyncSync(fd)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}
