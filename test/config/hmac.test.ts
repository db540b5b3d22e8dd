import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { printSettings } from '../../src/config/print.ts'
import { hmacRules } from '../../src/config/rules/hmac.ts'
import { configToRun, readConfigFile } from '../../src/host/config-file.ts'
import { surroundings } from '../support/surroundings.ts'

const SECRET = '0123456789abcdef0123456789abcdef'
const KEY = `key 1 ${SECRET}`
const HEX = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'

const file = (signed: string, more = '') => `vrrp_instance a {
  interface eth0
  virtual_router_id 1
  version 3
  advert_int 2
  virtual_ipaddress { 10.0.0.1 }
  auth_hmac {
${signed}
  }
${more}
}`
const load = (text: string) => loadConfig({ name: 'test.conf', text }, surroundings({}))
const authentication = (signed: string) => load(file(signed)).config?.instances[0]?.authentication

describe('a block auth_hmac', () => {
  test('with a key is a configuration that runs: enforced, within three intervals', () => {
    expect(authentication(KEY)).toEqual({
      type: 'hmac',
      keys: [{ id: 1, hex: Buffer.from(SECRET).toString('hex') }],
      activeKey: 1,
      window: 6000,
      mode: 'enforce',
    })
  })

  test('has as many keys as it says, and the one that signs', () => {
    expect(authentication(`${KEY}\nkey 2 hex:${HEX}\nactive_key 2\ntime_window 30\nmode permissive`)).toMatchObject({
      keys: [{ id: 1 }, { id: 2, hex: HEX }],
      activeKey: 2,
      window: 30_000,
      mode: 'permissive',
    })
    expect(authentication(`key 7 hex:${HEX}\n${KEY}`)).toMatchObject({ activeKey: 7 })
    expect(authentication(`${KEY}\nanti_replay monotonic`)).toMatchObject({ window: undefined })
  })

  test.each([
    ['too short', 'key 1 0123456789abcdef0123456789abcde', 'expected a key of 32 to 64 bytes'],
    ['too long', `key 1 ${'x'.repeat(65)}`, 'expected a key of 32 to 64 bytes'],
    ['not hexadecimal', `key 1 hex:${HEX.replace('0', 'g')}`, 'expected a key of 32 to 64 bytes'],
    ['half a byte', `key 1 hex:${HEX}0`, 'expected a key of 32 to 64 bytes'],
    ['a file somewhere', 'key 1 file:secret', 'expected an absolute path behind `file:`'],
    ['a number that is none', `key 256 ${SECRET}`, 'expected a whole number from 1 to 255'],
  ])('a key that is %s is an error at its place, which does not show it', (_name, line, message) => {
    const { config, diagnostics } = load(file(line))
    expect(config).toBeUndefined()
    const [found] = diagnostics
    expect(found).toMatchObject({ code: 'bad-value', severity: 'error' })
    expect(found?.message).toContain(message)
    expect(diagnostics.map((each) => each.message).join()).not.toContain(line.split(' ').at(-1)?.slice(4))
  })

  test('prints without its keys', () => {
    const printed = printSettings(load(file(`${KEY}\nkey 2 hex:${HEX}`)).settings)
    expect(printed).toContain('key 2 ********')
    expect(printed).not.toMatch(/0123456789|00112233/)
  })
})

/** For every rule, a file that breaks it. */
const cases: Readonly<Record<string, readonly [text: string, code: string, message: string]>> = {
  signaturesHaveAKey: [file('mode permissive'), 'missing-keyword', '`auth_hmac` needs a `key`'],
  keysHaveOneNumberEach: [file(`${KEY}\n${KEY}`), 'duplicate-name', 'key 1 is there already, at test.conf:8:'],
  theActiveKeyIsThere: [file(`${KEY}\nactive_key 2`), 'unknown-name', 'there is no `key` with the number 2'],
  onlyTimesHaveAWindow: [
    file(`${KEY}\nanti_replay monotonic\ntime_window 9`),
    'ignored-value',
    '`time_window` has no effect',
  ],
  signaturesStandAlone: [
    file(KEY, 'authentication { auth_type PASS\n auth_pass x\n }').replace('version 3', 'version 2'),
    'bad-authentication',
    'not both',
  ],
}

test.each(Object.entries(cases))('%s', (_rule, [text, code, message]) => {
  const found = load(text).diagnostics.filter((each) => each.code === code)
  expect(found).toHaveLength(1)
  expect(found[0]?.message).toContain(message)
})

test('every rule has a case', () => expect(Object.keys(cases)).toHaveLength(hmacRules.length))

describe('a key in a file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tanist-keys-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  const run = (content: string | undefined) => {
    const path = join(directory, 'key')
    rmSync(path, { force: true })
    if (content !== undefined) writeFileSync(path, content)
    const config = join(directory, 'tanist.conf')
    writeFileSync(config, file(`key 1 file:${path}`))
    return configToRun(readConfigFile(config, ''), false)
  }

  test.each([`${SECRET}\n`, SECRET, `hex:${Buffer.from(SECRET).toString('hex')}\n`])(
    'is what stands in it',
    (content) => {
      const { config } = run(content)
      expect(config?.instances[0]?.authentication).toMatchObject({
        keys: [{ id: 1, hex: Buffer.from(SECRET).toString('hex') }],
      })
    },
  )

  test('that cannot be used keeps the daemon from running it, and says why without showing it', () => {
    expect(run(undefined)).toMatchObject({
      config: undefined,
      errors: [
        expect.stringMatching(
          /^key 1 of vrrp_instance a: key file \S+key cannot be used: no such file or directory$/,
        ) as unknown,
      ],
    })
    expect(run('hunter22\n').errors.join()).toMatch(/cannot be used: it is not a key of 32 to 64 bytes/)
    expect(run('hunter22\n').errors.join()).not.toContain('hunter')
  })
})
