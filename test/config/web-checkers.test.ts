import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { printSettings } from '../../src/config/print.ts'
import { regexFault } from '../../src/host/regex.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (checker: string, target = '10.0.0.2', more = '') => {
  const text = `virtual_server ${target.includes(':') ? 'fd00::1' : '10.0.0.1'} 80 {\n protocol TCP\n real_server ${target} 80 {\n  ${checker}\n }\n}\n${more}`
  const { config, diagnostics, settings } = loadConfig({ name: 'x.conf', text }, { ...surroundings(), regexFault })
  return {
    printed: printSettings(settings),
    tlsClient: config?.tlsClient,
    check: config?.virtualServers[0]?.realServers[0]?.checks[0],
    told: diagnostics.map((each) => formatDiagnostic(each).split('\n')[0]),
  }
}

/** The check of these lines, or of those in a `url` of it. */
const web = (type: string, url: string, checker = '') => load(`${type} { ${checker}\n url { ${url}\n }\n }`)
const first = (loaded: ReturnType<typeof load>) => {
  const { check } = loaded
  if (check?.type !== 'HTTP_GET' && check?.type !== 'SSL_GET') throw new Error(loaded.told.join('\n'))
  return { check, url: check.urls[0] }
}

describe('web checks', () => {
  test('keepalived’s defaults', () => {
    const { check, url } = first(web('HTTP_GET', 'path /x'))
    expect(check).toMatchObject({ protocol: '1.0' })
    expect(url).toEqual({ path: '/x', statusCodes: [[200, 299]], virtualhost: undefined })
    expect(first(web('SSL_GET', '')).check).toMatchObject({ tls: { verify: false, compliant: false } })
  })

  test.each([
    ['1.0c', '1.0C'],
    ['1.0C', '1.0C'],
    ['1.1', '1.1'],
    ['2', '2'],
  ])('http_protocol %s', (said, protocol) => {
    expect(first(web('SSL_GET', '', `http_protocol ${said}`)).check.protocol).toBe(protocol)
  })

  test.each([
    ['virtualhost www.example', '', undefined],
    ['virtualhost www.example:443\n enable_sni', '', 'www.example'],
    ['enable_sni', 'virtualhost web.example', 'web.example'],
    ['enable_sni\n sni_name other.example', 'virtualhost web.example', 'other.example'],
    ['enable_sni\n virtualhost 10.0.0.9', '', undefined],
    ['enable_sni\n virtualhost [fd00::1]', '', undefined],
    ['enable_sni', '', undefined],
  ])('the name of SNI with %j and %j', (checker, url, name) => {
    expect(first(web('SSL_GET', url, checker)).url?.serverName).toBe(name)
  })

  test('`tls_compliant` of a URL is for its checker', () => {
    expect(first(web('SSL_GET', 'tls_compliant')).check).toMatchObject({ tls: { compliant: true } })
    expect(first(web('SSL_GET', 'tls_compliant', 'tls_compliant no')).check).toMatchObject({
      tls: { compliant: false },
    })
  })

  test('what is asked of a body, and of a certificate', () => {
    const body = `digest ${'AB'.repeat(16)}
      regex "is (up|well) \\\\d"
      regex_options caseless dotall
      regex_min_offset 3
      regex_no_match
      contains "two words"
      contains one
      json db.up
      json status "all ok"
      json quoted "\\"a\\\\b\\""`
    const loaded = web('SSL_GET', body, 'verify\n expires_within 14')
    const { printed } = loaded
    const { check, url } = first(loaded)
    expect(url?.body).toEqual({
      digest: 'ab'.repeat(16),
      regex: {
        pattern: 'is (up|well) \\d',
        options: ['caseless', 'dotall'],
        forbidden: true,
        minOffset: 3,
        maxOffset: undefined,
      },
      contains: ['two words', 'one'],
      json: [
        { path: ['db', 'up'], value: undefined },
        { path: ['status'], value: 'all ok' },
        { path: ['quoted'], value: '"a\\b"' },
      ],
    })
    expect(check).toMatchObject({ tls: { verify: true, expiresWithinDays: 14 } })
    const again = loadConfig({ name: 'x.conf', text: printed ?? '' }, surroundings()).config?.virtualServers[0]
    expect(again?.realServers[0]?.checks[0]).toEqual(check)
  })

  test('a request that is more than GET; the value of a header is shown to nobody', () => {
    const said =
      'method POST\n header "Authorization: Bearer abc"\n header "X-A: b"\n request_body "a=b c"\n follow_redirects 2\n body_limit 99'
    const loaded = web('HTTP_GET', said)
    const { url } = first(loaded)
    const headers = [
      { name: 'Authorization', value: 'Bearer abc' },
      { name: 'X-A', value: 'b' },
    ]
    expect(url).toMatchObject({ request: { method: 'POST', headers, body: 'a=b c' }, redirects: 2, bodyLimit: 99 })
    expect(loaded.printed).toContain('header "Authorization: ********"')
    expect(loaded.printed).not.toContain('abc')
  })

  test.each([
    ['HTTP_GET { http_protocol 2\n url { } }', 'error[bad-value]: HTTP/2 is for SSL_GET'],
    ['HTTP_GET { url { request_body x } }', 'error[bad-value]: a GET has no body: say another `method`'],
    ['HTTP_GET { url { method HEAD\n contains x } }', 'error[bad-value]: the answer to HEAD has no body'],
    ['HTTP_GET { url { regex_options utf } }', 'warning[ignored-value]: it has no effect without `regex`'],
    ['HTTP_GET { url { header "no colon" } }', 'error[bad-value]: expected a header as "Name: value"'],
    ['HTTP_GET { url { header "Content-Length: 3" } }', 'error[bad-value]: the check writes this header itself'],
    ['HTTP_GET { fast_recovery\n url { } }', 'warning[no-effect]'],
    [
      'HTTP_GET { url { regex "a(b" } }',
      'error[bad-value]: this regular expression is wrong at its character 4: missing closing parenthesis',
    ],
  ])('%s', (text, message) => {
    expect(load(text).told[0]).toContain(message)
  })

  test('the SSL block', () => {
    const { tlsClient } = load('SSL_GET { url { } }', '10.0.0.2', 'SSL { ca /a\n key /k\n password p }')
    expect(tlsClient).toEqual({ ca: '/a', key: '/k', password: 'p' })
  })
})
