import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { readConfigFile } from '../../src/daemon/config-file.ts'

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

test('a pattern takes what a shell would, in order: no hidden files', () => {
  expect(read('include conf.d/[ab].conf')).toEqual({ emails: ['a', 'b'], messages: [] })
  expect(read('include conf.d/{b,a}.conf').emails).toEqual(['b', 'a'])
  expect(read('include conf.d/.h*.conf').emails).toEqual(['hidden'])
})

test('what is not a regular file is told', () => {
  const { emails, messages } = read('include conf.d/*.conf')
  expect(emails).toEqual(['a', 'b'])
  expect(messages.join('\n')).toContain('conf.d/folder.conf`: it is not a regular file')
})

test('a file that is not there is no configuration', () => {
  expect(readConfigFile(join(directory, 'none.conf'), '')).toEqual({
    unreadable: `cannot read ${directory}/none.conf: ENOENT`,
  })
})
