import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { readConfigFile } from '../../src/host/config-file.ts'
import { asNobody } from '../support/nobody.ts'

const TANISTD = join(import.meta.dirname, '../../dist/cli/tanistd.js')
const directory = mkdtempSync(join(tmpdir(), 'tanist-files-'))
afterAll(() => rmSync(directory, { recursive: true }))
beforeAll(() => {
  mkdirSync(join(directory, 'conf.d'))
  const emails = (name: string) => `global_defs { notification_email { ${name} } }\n`
  writeFileSync(join(directory, 'conf.d/b.conf'), emails('b'))
  writeFileSync(join(directory, 'conf.d/a.conf'), emails('a'))
  writeFileSync(join(directory, 'conf.d/.hidden.conf'), emails('hidden'))
  writeFileSync(join(directory, 'conf.d/a.conf.bak'), emails('backup'))
  mkdirSync(join(directory, 'conf.d/folder.conf'))
  mkdirSync(join(directory, 'deep/er'), { recursive: true })
  writeFileSync(join(directory, 'deep/er/c.conf'), emails('c'))
  writeFileSync(join(directory, 'deep/d.conf'), emails('d'))
})

function read(text: string) {
  const file = join(directory, 'main.conf')
  writeFileSync(file, text)
  const found = readConfigFile(file, 'lb1')
  if ('unreadable' in found) throw new Error(found.unreadable)
  const { settings, diagnostics } = found.loaded
  return {
    emails: settings.global_defs?.notification_email.map(({ name }) => name) ?? [],
    messages: diagnostics.filter(({ severity }) => severity === 'error').map((each) => formatDiagnostic(each)),
  }
}

test('an include pattern matches what it would in a shell, in order: no hidden files', () => {
  expect(read('include conf.d/[ab].conf')).toEqual({ emails: ['a', 'b'], messages: [] })
  expect(read('include conf.d/{b,a}.conf').emails).toEqual(['b', 'a'])
  expect(read('include conf.d/.h*.conf').emails).toEqual(['hidden'])
})

test('two stars in an include pattern are no more than one: whole trees are not searched', () => {
  expect(read('include **/d.conf').emails).toEqual(['d'])
  expect(read('include **/c.conf').emails).toEqual([])
})

test('a file that is not there is no configuration', () => {
  expect(readConfigFile(join(directory, 'none.conf'), '')).toEqual({
    unreadable: `cannot read ${directory}/none.conf: no such file or directory`,
  })
})

describe('a configuration file that is not a regular file is refused, and never waited for', () => {
  const path = (name: string) => join(directory, name)
  beforeAll(() => {
    spawnSync('mkfifo', [path('fifo')])
    symlinkSync('/dev/zero', path('link-to-zero'))
    symlinkSync('loop', path('loop'))
    symlinkSync('nowhere', path('dangling'))
  })

  test.each([
    ['fifo', 'it is a pipe, not a regular file (`tanistd -t -` reads standard input)'],
    ['link-to-zero', 'it is a device, not a regular file'],
    ['/dev/tty', 'it is a device, not a regular file'],
    ['conf.d', 'it is a directory'],
    ['loop', 'too many symbolic links encountered'],
    ['dangling', 'no such file or directory'],
    ['conf.d/a.conf/x', 'not a directory'],
  ])('%s as the file, and as one that it includes', (name, reason) => {
    const file = name.startsWith('/') ? name : path(name)
    expect(readConfigFile(file, '')).toEqual({ unreadable: `cannot read ${file}: ${reason}` })
    const { emails, messages } = read(`global_defs { notification_email { before } }\n\ninclude ${name}`)
    expect(emails).toEqual(['before'])
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain('main.conf:3:9: error[missing-file]')
    expect(messages[0]).toContain(`cannot read \`${file}\`: ${reason}`)
  })

  test('a pattern brings them in as well', () => {
    const { emails, messages } = read('include conf.d/*.conf')
    expect(emails).toEqual(['a', 'b'])
    expect(messages.join('\n')).toContain('conf.d/folder.conf`: it is a directory')
  })

  test('an endless file is read up to a bound', () => {
    // A file of 65 MiB that takes no room.
    writeFileSync(path('huge'), '')
    truncateSync(path('huge'), 65 * 1024 * 1024)
    expect(readConfigFile(path('huge'), '')).toEqual({
      unreadable: `cannot read ${path('huge')}: it is larger than 67108864 bytes`,
    })
    rmSync(path('huge'))
  })

  test('a file that others may not read is named in words', async () => {
    writeFileSync(path('secret.conf'), '')
    chmodSync(path('secret.conf'), 0)
    chmodSync(directory, 0o755)
    const [program, ...args] = asNobody([process.execPath, TANISTD, '-t', path('secret.conf')])
    const child = spawn(program, args)
    let stderr = ''
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    await once(child, 'close')
    expect(stderr).toBe(`cannot read ${path('secret.conf')}: permission denied\n`)
  })
})

describe('the encoding of a configuration file', () => {
  const text = 'global_defs {\n  notification_email { a }\n}\n'
  const utf16 = (mark: string, big: boolean) => {
    const bytes = Buffer.from(`${mark}${text}`, 'utf16le')
    return big ? bytes.swap16() : bytes
  }
  test.each([
    ['UTF-16', 'its mark, little end first', utf16('\uFEFF', false)],
    ['UTF-16', 'its mark, big end first', utf16('\uFEFF', true)],
    ['UTF-16LE', 'its zeros', utf16('', false)],
    ['UTF-16BE', 'its zeros', utf16('', true)],
  ])('%s is known by %s, and said once', (name, _how, bytes) => {
    const file = join(directory, 'encoded.conf')
    writeFileSync(file, bytes)
    const reason = `it is in ${name}, not in UTF-8; convert it with \`iconv -f ${name} -t UTF-8\``
    expect(readConfigFile(file, '')).toEqual({ unreadable: `cannot read ${file}: ${reason}` })
    const { messages } = read('include encoded.conf')
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(reason)
  })
})

describe('tanistd -t -', () => {
  test('reads standard input; what it includes is searched in the working directory', () => {
    const run = (input: string) =>
      spawnSync(process.execPath, [TANISTD, '-t', '-'], { input, encoding: 'utf8', cwd: directory })
    expect(run('include conf.d/a.conf')).toMatchObject({ status: 0, stdout: '-: good (1 warning)\n' })
    expect(run('foo').stderr).toMatch(/^standard input:1:1: error\[unknown-keyword\]/)
  })
})
