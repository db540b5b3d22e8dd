import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyFault, jsonFault } from '../../src/check/probes/body.ts'
import { regexFault } from '../../src/check/probes/body-regex.ts'
import { expiryFault } from '../../src/check/probes/tls.ts'
import { compileRegex } from '../../src/linux/pcre2.ts'
import type { BodyRegex } from '../../src/model/check.ts'
import { mutated } from '../support/mutated.ts'

const ask = (body: string | Buffer, pattern: string, options: string[] = [], more: Partial<BodyRegex> = {}) =>
  regexFault(
    Buffer.from(body),
    { pattern, options, forbidden: false, minOffset: 0, maxOffset: undefined, ...more },
    '/x',
    AbortSignal.timeout(2000),
  )
const NO_MATCH = 'body of /x does not match'
const TOO_MUCH = 'the regular expression takes too many steps in the body of /x'

describe('a regular expression', () => {
  test.each<[string, string, string[], boolean]>([
    ['page is up', 'is (up|well)', [], true],
    ['page is down', 'is (up|well)', [], false],
    ['Up', 'up', [], false],
    ['Up', 'up', ['caseless'], true],
    ['a\nb', 'a.b', [], false],
    ['a\nb', 'a.b', ['dotall'], true],
    ['a\nb', '^b$', [], false],
    ['a\nb', '^b$', ['multiline'], true],
    ['a\n', 'a$', [], true],
    ['a\n', 'a$', ['dollar_endonly'], false],
    ['ab', 'a b # both', ['extended'], true],
    ['a\nb', 'b', ['firstline'], false],
    ['é', '^.$', [], false],
    ['é', '^.$', ['utf'], true],
    ['é', '^\\w$', ['utf'], false],
    ['é', '^\\w$', ['utf', 'ucp'], true],
    ['aXb', '(?i)x', [], true],
    ['(())', '^(\\((?1)*\\))$', [], true],
    ['aa', '(a)++\\1', [], false],
    ['ab', '[]a]b', [], true],
    ['b', '(a)?\\1b', [], false],
    ['b', '^(a)?\\1b', ['match_unset_backref'], true],
    ['a', '(?<n>a)|(?<n>b)', ['dupnames'], true],
    ['', '^$', [], true],
  ])('%j and %s with %j', async (body, pattern, options, matches) => {
    expect(await ask(body, pattern, options)).toBe(matches ? undefined : NO_MATCH)
  })

  test('must not match, where that is asked', async () => {
    expect(await ask('all is well', 'error', [], { forbidden: true })).toBeUndefined()
    expect(await ask('an error', 'error', [], { forbidden: true })).toBe('body of /x matches at 3')
  })

  test.each([
    [0, 2, true],
    [2, 2, true],
    [3, undefined, false],
    [0, 1, false],
  ])('begins from %s to %s', async (minOffset, maxOffset, matches) => {
    expect(await ask('..word', 'word', [], { minOffset, maxOffset })).toBe(matches ? undefined : NO_MATCH)
  })

  test('is found anywhere in a large body, as it looks at what stands before', async () => {
    for (const at of [0, 15, 16, 17, 47, 48, 255, 256, 4095, 70_001]) {
      const body = `${'x'.repeat(at)}ab${'y'.repeat(1000)}`
      expect(await ask(body, '(?<=x)ab|^ab')).toBeUndefined()
      expect(await ask(body, '\\bb')).toBe(NO_MATCH)
    }
  })

  test('begins at no byte within a character, and only in the first line where that is asked', async () => {
    const euros = '€'.repeat(1000)
    expect(await ask(euros, 'z', ['utf'])).toBe(NO_MATCH)
    expect(await ask(`${euros}z`, '€z', ['utf'])).toBeUndefined()
    expect(await ask(euros, '€', ['utf'], { minOffset: 1, maxOffset: 3 })).toBeUndefined()
    const lines = `${'x'.repeat(60)}\n${'y'.repeat(60)}b`
    expect(await ask(lines, 'b', ['firstline'])).toBe(NO_MATCH)
    expect(await ask(lines, 'b')).toBeUndefined()
  })

  test('looks at lines and at the beginning once', async () => {
    const lines = `${'a line without it\n'.repeat(20_000)}here it is`
    expect(await ask(lines, '.*it is')).toBeUndefined()
    expect(await ask(lines, '.*no such thing')).toBe(NO_MATCH)
    expect(await ask('x'.repeat(50_000), '.*[yz]', ['dotall'])).toBe(NO_MATCH)
  })

  test.each<[string, string]>([
    ['(a+)+[bc]', 'a'.repeat(64)],
    ['(\\w+\\s?)+$', `${'word '.repeat(100)}!`],
    ['(a|b|ab)*[cd]', 'ab'.repeat(2000)],
    ['(.*)(.*)(.*)(.*)[,;]', 'x'.repeat(3000)],
  ])('%s, which tries a million ways, ends with a failure, quickly', async (pattern, body) => {
    const begun = performance.now()
    expect(await ask(body, pattern)).toBe(TOO_MUCH)
    expect(performance.now() - begun).toBeLessThan(1000)
  })

  test('lets others have their turn, and ends with its deadline', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    // 80 steps at each of a million places: nothing that a limit for one place would end.
    await expect(ask('a'.repeat(4 << 20), 'a.{0,80}?[yz]')).rejects.toThrow(/timeout/)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(10)
  })

  test('that is none says where', () => {
    expect(compileRegex('a(b', [])).toEqual({ offset: 3, message: 'missing closing parenthesis' })
  })

  test('takes any body', async () => {
    const bytes = fc.uint8Array({ maxLength: 3000 })
    const options = fc.subarray(['utf', 'ucp', 'caseless', 'multiline', 'ungreedy', 'firstline'])
    await fc.assert(
      fc.asyncProperty(bytes, options, async (body, options) => {
        expect([undefined, NO_MATCH]).toContain(await ask(Buffer.from(body), '\\w+\\s*é|\\xff{2}', options))
      }),
      { numRuns: 200 },
    )
  })

  test('takes any change of a body that matches', async () => {
    const options = fc.subarray(['utf', 'ucp', 'caseless', 'multiline', 'ungreedy', 'firstline'])
    const body = mutated('<b>café</b>\n<i>server is up</i>\n', '€€€ server  is\tup', 'up '.repeat(20))
    await fc.assert(
      fc.asyncProperty(body, options, fc.boolean(), async (body, options, forbidden) => {
        const begun = performance.now()
        const fault = await ask(body, 'é|server\\s+(is|was)\\s+up$|(up )+!', options, { forbidden })
        expect(fault ?? '').toMatch(
          /^(?:|body of \/x (?:does not match|matches at \d+)|the regular expression takes .*)$/,
        )
        expect(performance.now() - begun).toBeLessThan(3000)
      }),
      { numRuns: 500 },
    )
  })
})

describe('JSON', () => {
  const health = Buffer.from('{"status":"ok","db":{"up":true,"lag":0.5,"error":null},"nodes":["a","b"],"empty":""}')
  test.each<[string, string | undefined, string | undefined]>([
    ['status', 'ok', undefined],
    ['status', 'OK', 'status is ok'],
    ['db.up', undefined, undefined],
    ['db.up', 'true', undefined],
    ['db.lag', '0.5', undefined],
    ['db.error', undefined, 'db.error is null'],
    ['db.error', 'null', undefined],
    ['nodes.1', 'b', undefined],
    ['nodes.2', undefined, 'nodes.2 is missing'],
    ['nodes', '["a","b"]', undefined],
    ['status.length', undefined, 'status.length is missing'],
    ['__proto__', undefined, '__proto__ is missing'],
    ['empty', '', undefined],
  ])('%s must be %s', (path, value, fault) => {
    expect(jsonFault(health, [{ path: path.split('.'), value }])).toBe(fault)
  })

  test.each([
    [undefined, undefined],
    ['ok', 'status is nested too deeply'],
  ])('a value of a hundred thousand levels, must be %s', (value, fault) => {
    const levels = 100_000
    const deep = Buffer.from(`{"status":${'['.repeat(levels)}${']'.repeat(levels)}}`)
    expect(jsonFault(deep, [{ path: ['status'], value }])).toBe(fault)
  })

  test('shows nothing of a body that would do something to a terminal', () => {
    const red = Buffer.from(JSON.stringify({ status: '\u001b[31mdown\n' }))
    expect(jsonFault(red, [{ path: ['status'], value: 'ok' }])).toBe('status is ?[31mdown?')
  })

  test('takes any body', () => {
    expect(jsonFault(Buffer.from('{'), [])).toBe('the body is no JSON')
    const anything = fc.oneof(
      fc.oneof(fc.json(), fc.string()).map((text) => Buffer.from(text)),
      mutated(health, '[[[[1e999,"\\u0000",{"":[]}]]]]', '['.repeat(5000)),
    )
    fc.assert(
      fc.property(anything, fc.array(fc.string()), (body, path) => {
        const begun = performance.now()
        for (const asked of [path, ['status'], ['db', 'up']]) {
          const fault = jsonFault(body, [{ path: asked, value: undefined }]) ?? ''
          expect(fault.length).toBeLessThan(100 + asked.join('.').length)
        }
        expect(performance.now() - begun).toBeLessThan(1000)
      }),
      { numRuns: 1000 },
    )
  })
})

test('any text of a body is looked for in any', async () => {
  const body = fc.oneof(
    mutated('all is well'),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  )
  await fc.assert(
    fc.asyncProperty(body, fc.oneof(fc.constant('is well'), fc.string()), async (bytes, text) => {
      const url = { path: '/', statusCodes: [], virtualhost: undefined, body: { contains: [text] } }
      const fault = await bodyFault({ digest: '', bytes }, url, AbortSignal.timeout(1000))
      const isThere = bytes.toString('latin1').includes(Buffer.from(text).toString('latin1'))
      expect(fault).toBe(isThere ? undefined : `body of / does not contain ${JSON.stringify(text)}`)
    }),
  )
})

test('any date of a certificate is read', () => {
  const none = 'the certificate does not say until when it is good'
  expect(expiryFault({}, 3)).toBe(none)
  const date = fc.oneof(
    fc.string(),
    mutated('Nov  9 12:00:00 2049 GMT', 'Feb 29 23:59:60 2000 GMT').map((bytes) => bytes.toString('latin1')),
  )
  fc.assert(
    fc.property(date, fc.nat(), (until, days) => {
      const fault = expiryFault({ valid_to: until }, days)
      if (Number.isNaN(Date.parse(until))) expect(fault).toBe(none)
      else expect(fault ?? '').toMatch(/^(?:|the certificate (?:has expired at|expires in \d+ days, at) .*)$/s)
    }),
    { numRuns: 1000 },
  )
})
