import { describe, expect, test } from 'vitest'
import { diagnosticJson, formatDiagnostic } from '../../src/config/diagnostic.ts'
import { root } from '../../src/config/keywords/root.ts'
import { loadConfig } from '../../src/config/load.ts'
import { applyBody, initialValues } from '../../src/config/schema/body.ts'
import { type Entries, Places } from '../../src/config/schema/entry.ts'
import { Secret } from '../../src/config/schema/secret.ts'
import { isSecretKeyword } from '../../src/config/secrecy.ts'
import { parse } from '../../src/config/parser.ts'
import { Text } from '../../src/config/text.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (text: string, files: Readonly<Record<string, string>> = {}) =>
  loadConfig({ name: 'x.conf', text }, surroundings(files)).diagnostics
/** `line code` of each, in order. */
const brief = (text: string, files = {}) => load(text, files).map((each) => `${diagnosticJson(each).line} ${each.code}`)
const shown = (text: string, files = {}) =>
  load(text, files)
    .map((each) => formatDiagnostic(each))
    .join('\n')

const instance = (inside: string, name = 'a', id = 5) =>
  `vrrp_instance ${name} {\ninterface eth0\nvirtual_router_id ${id}\n${inside}\n}\n`
const vip = 'virtual_ipaddress { 10.0.0.1 }'
const service = (inside: string) => `virtual_server 10.0.0.9 80 {\nprotocol TCP\n${inside}\n}\n`

describe('one mistake in a configuration is one message', () => {
  test.each<[string, string, string[]]>([
    ['a wrong address', instance('virtual_ipaddress { 10.0.0.300 }'), ['4 bad-value']],
    ['a wrong router id', instance(vip).replace('virtual_router_id 5', 'virtual_router_id 500'), ['3 bad-value']],
    ['a misspelt keyword', instance(vip).replace('virtual_router_id', 'virtual_routerid'), ['3 unknown-keyword']],
    ['a misspelt block', instance('virtual_ipadress { 10.0.0.1 }'), ['4 unknown-keyword']],
    ['an interface that is too long', instance(vip).replace('eth0', 'a-name-that-is-too-long'), ['2 bad-value']],
    ['a wrong protocol', service('real_server 10.1.0.1 80 { }').replace('TCP', 'TPC'), ['2 bad-value']],
    ['a wrong real server', service('real_server 10.1.0.300 80 { }'), ['3 bad-value']],
    ['a script without a path', 'vrrp_script s {\nscript\n}\n', ['2 missing-argument', '1 unused']],
    ['a missing password', instance(`${vip}\nauthentication {\nauth_type PASS\nauth_pass\n}`), ['7 missing-argument']],
    [
      'a template',
      '{{ X }}\nvrrp_instance {{ name }} {\n{% if a %}\n interface {{ i }}\n{% endif %}\n}\n',
      ['1 unrendered-template'],
    ],
    ['a zero byte', 'global_defs {\n\0\n\0\n', ['2 bad-character']],
    ['lines that end in CR', 'global_defs {\rrouter_id a\r}\r', ['1 bad-character']],
    ['a character that nobody sees', instance(vip).replace('interface', 'inter\u200Bface'), ['2 bad-character']],
    ['what is not UTF-8', 'global_defs { router_id \uFFFD\uFFFD }', ['1 bad-character']],
    ['a definition that is used three times', '$P=priority 300\n~SEQ(i,1,3) $P\n', ['1 unknown-keyword']],
    ['blocks that are too deep', 'a {\n'.repeat(30), ['1 unknown-keyword', '17 unexpected-brace']],
    ['a quote without an end that holds a brace', 'global_defs { router_id "x }\n', ['1 unterminated-quote']],
    ['nothing at all', '! nothing\n', ['1 empty-file']],
    ['a name of two words', instance(vip, 'a b'), ['1 bad-value']],
    [
      'a group of two words',
      `${instance(vip)}vrrp_sync_group a b {\ngroup { a }\n}\n`,
      ['6 bad-value', '6 lonely-member'],
    ],
  ])('%s', (_name, text, expected) => expect(brief(text)).toEqual(expected))

  test('a missing brace does not make other things missing', () => {
    const text = `vrrp_sync_group g {\ngroup { a }\n${instance(vip)}global_defs { router_id a }\n${service('')}`
    expect(brief(text)).toEqual(['1 missing-brace', '3 unknown-keyword', '1 lonely-member'])
  })

  test('template signs in quotes and comments are text', () => {
    const text = 'global_defs {\n# {{ x }} in a comment\nrouter_id "{{.State}}"\n}\n'
    expect(brief(text)).toEqual([])
  })

  test('what is not UTF-8 in a comment does not matter', () => {
    expect(brief('global_defs { router_id a } # caf\uFFFD')).toEqual([])
  })
})

test('of the diagnostics errors come first, then warnings, then notes, each in the order of the file', () => {
  const text = `${instance(`priority 1\npriority 2\npriority x y\n${vip}\nfoo`)}global_defs {\nvrrp_version 9\n}`
  expect(load(text).map(({ severity, code }) => `${severity} ${code}`)).toEqual([
    'error bad-value',
    'error unknown-keyword',
    'error bad-value',
    'note repeated-keyword',
    'note repeated-keyword',
  ])
})

describe('a message about what is given twice names the other place', () => {
  test.each<[string, string, string]>([
    ['a keyword', instance(`${vip}\npriority 7\npriority 8`), 'is given twice, first at x.conf:5:1'],
    ['an instance', instance(vip) + instance('', 'a', 6), 'another vrrp_instance is named `a`, at x.conf:1:1'],
    [
      'a router id',
      instance(vip) + instance('', 'b'),
      'another instance has virtual_router_id 5 on eth0 for IPv4, at x.conf:3:1',
    ],
    ['an address', instance(vip) + instance(vip, 'b', 6), '10.0.0.1 is a virtual address of `a`, too, at x.conf:4:21'],
    ['an address of one instance', instance(`${vip}\n${vip}`), '10.0.0.1 is listed already, at x.conf:4:21'],
    ['a service', service('') + service(''), 'another virtual_server is [10.0.0.9]:tcp:80, at x.conf:1:1'],
    ['a server', service('real_server 10.1.0.1 80 { }\nreal_server 10.1.0.1 80 { }'), 'twice, at x.conf:3:1'],
  ])('%s', (_name, text, message) => expect(shown(text)).toContain(message))
})

describe('a value that a comment cuts short is reported', () => {
  test.each([
    [instance(`${vip}\nauthentication {\nauth_type PASS\nauth_pass Secret!1\n}`), '7 cut-value'],
    [instance(`${vip}\nauthentication {\nauth_type PASS\nauth_pass Secret!\n}`), '7 cut-value'],
    ['global_defs { \nrouter_id lb#1\n}', '2 cut-value'],
  ])('%j', (text, expected) => expect(brief(text)).toEqual([expected]))

  test.each([
    'router_id lb # 1',
    'router_id lb# 1',
    'router_id "lb#1"',
    String.raw`router_id lb\#1`,
    '#x',
    '}#x\nglobal_defs {',
  ])('but not %j', (text) => expect(brief(`global_defs {\n${text}\n}`)).toEqual([]))
})

describe('a message shows no secret', () => {
  const SECRET = 'S3cr-Tx'
  const auth = (inside: string) => instance(`${vip}\nauthentication {\nauth_type PASS\n${inside}\n}`)
  test.each<[string, string]>([
    ['a quote without an end', auth(`auth_pass "${SECRET}`)],
    ['a comment within', auth(`auth_pass ${SECRET}!1`)],
    ['two words', auth(`auth_pass x ${SECRET}`)],
    ['a reference', auth(`auth_pass x $${SECRET.replace(/\W/g, '')} ${SECRET}`)],
    ['braces', auth(`auth_pass {${SECRET}}`)],
    ['a brace in front', auth(`auth_pass }${SECRET}`)],
    ['a misspelt keyword', auth(`auth_passs ${SECRET}`)],
    ['another misspelt keyword', auth(`authpas ${SECRET}`)],
    ['a keyword of elsewhere', auth(`password ${SECRET}`)],
    ['no blank', auth(`auth_pass${SECRET}`)],
    ['an equals sign', auth(`auth_pass=${SECRET}`)],
    ['another line', auth(`auth_pass\n${SECRET}`)],
    ['a keyword cut in two', auth(`auth pass ${SECRET}`)],
    ['a keyword beside it', auth(`auth_type ${SECRET}`)],
    ['behind a keyword beside it', auth(`auth_type PASS ${SECRET}`)],
    ['a definition that is none', `$PW = "${SECRET}`],
    ['capitals', auth(`AUTH_PASS ${SECRET}`)],
    ['a key without its number', instance(`${vip}\nauth_hmac {\nkey ${SECRET}\n}`)],
    ['a key and more', instance(`${vip}\nauth_hmac {\nkeys 1 ${SECRET} ${SECRET}\n}`)],
    ['a line that is too long', auth(`auth_pass ${SECRET} ${'x'.repeat(20_000)}`)],
    ['a zero byte', auth(`auth_pass ${SECRET}\0`)],
    ['a character that nobody sees', auth(`auth_pass ${SECRET}\u200B`)],
    ['a definition', `$P=${SECRET}\n${auth('auth_pass x ${P}')}`],
    ['a definition without an end', `$P="${SECRET}\n${auth('auth_pass ${P}')}`],
    ['a definition that speaks of it', `$VRRP_PASS="${SECRET}\n`],
    ['two definitions', `$P=S3cr\n$Q=-Tx\n${instance(`${vip}\nauth_hmac {\nkey \${P}\${Q} x\n}`)}`],
    ['lines of a definition', `$M= \\\n auth_type PASS \\\n auth_pass x ${SECRET}\n${auth('$M')}`],
    ['one line of all', `vrrp_instance a { authentication { auth_type PASS auth_pass ${SECRET} } } }`],
    ['a block in the wrong place', `auth_pass ${SECRET}`],
    ['the list of a loop', auth(`~LST(x, y, ${SECRET}) auth_pass a $x`)],
    ['the list of a loop for a definition', `$M=auth_pass a $x\n${auth(`~LST(x, ${SECRET}) $M`)}`],
    ['a loop that is none', auth(`~LST(${SECRET}) auth_pass $x`)],
    ['a keyword of which two may be meant', auth(`auth ${SECRET} x`)],
    ['a misspelt password', `SSL {\n pasword ${SECRET} x\n}`],
    ['a secret that speaks of one', auth(`auth_pasSecret${SECRET}`)],
  ])('%s', (_name, text) => {
    for (const each of [...load(text), ...load('include part', { '/part': text, part: text })]) {
      const all = `${formatDiagnostic(each)}\n${JSON.stringify(diagnosticJson(each))}`
      for (const part of [SECRET, 'S3cr', '-Tx']) expect(all).not.toContain(part)
    }
    expect(load(text).length).toBeGreaterThan(0)
  })

  test('what is no secret is shown as it is, and the place of what is', () => {
    expect(shown(auth(`auth_pass "${SECRET}`))).toBe(
      [
        'x.conf:7:11: error[unterminated-quote]: this quote is not closed on its line',
        '    7 | auth_pass ********',
        '      |           ^^^^^^^^',
      ].join('\n'),
    )
    expect(shown(auth(`auth_passs ${SECRET}`))).toContain(
      'unknown keyword `auth_passs` in authentication\n    7 | auth_passs ********\n      | ^^^^^^^^^^ did you mean `auth_pass`?',
    )
  })

  test('control characters of a file do not reach the terminal', () => {
    expect(shown('fo\u001B[31mo "\u0007')).not.toMatch(/[^\P{Cc}\n]/u)
  })

  test('every keyword whose value is a secret is known as one', () => {
    const found: string[] = []
    const walk = (entries: Entries, path: string) => {
      for (const [name, entry] of Object.entries(entries)) {
        if (entry.body !== undefined) walk(entry.body, `${path}/${name}`)
        const source = { name: '', text: `${name} 1 x` }
        const statements = ['1 x', 'x', `1 ${'x'.repeat(32)}`].flatMap((value) =>
          parse([Text.of({ ...source, text: `${name} ${value}` }, 0, name.length + 1 + value.length)], () => {}),
        )
        for (const statement of statements) {
          const values = initialValues(entries)
          const context = { root, report: () => {}, errors: () => 0, bracesAreWrong: false }
          const rest = { places: new Places(), ineffective: new Map(), withoutEffect: true }
          applyBody(entries, values, [statement], { ...context, ...rest }, path)
          const value = (values as Record<string, unknown>)[name]
          const isSecret = (each: unknown): boolean =>
            each instanceof Secret || (typeof each === 'object' && each !== null && Object.values(each).some(isSecret))
          if (isSecret(value) && !found.includes(name)) found.push(name)
        }
      }
    }
    walk(root, '')
    expect(found.toSorted()).toEqual(['auth_pass', 'key', 'password', 'secret'])
    expect(found.every(isSecretKeyword)).toBe(true)
  })
})
