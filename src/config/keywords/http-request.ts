import type { Entries } from '../schema/entry.ts'
import { several, setting } from '../schema/kinds.ts'
import { path } from '../schema/script.ts'
import { Secret } from '../schema/secret.ts'
import { HIDDEN } from '../secrecy.ts'
import { type Invalid, invalid, type Syntax, type Words } from '../schema/syntax.ts'
import type { Span } from '../source.ts'
import { choice, integer } from '../schema/values.ts'

/** RFC 9110 §5.6.2 and §5.5, without what is not ASCII. */
const HEADER = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([\t -~]*)$/
/** What the request has by itself, and what would make its end another one. */
const NOT_OURS = /^(?:connection|content-length|expect|keep-alive|transfer-encoding|upgrade)$/i

/** `"Name: value"`. A value may be a password, and is shown to nobody. */
const header: Syntax<{ readonly name: string; readonly value: Secret }> = {
  text: '"<name>: <value>"',
  parse(words) {
    words.requote(true)
    const word = words.need('"<name>: <value>"')
    if (word === undefined) return invalid
    const [, name, value] = HEADER.exec(word.text) ?? []
    if (name === undefined || value === undefined) return wrong(words, word.at, 'expected a header as "Name: value"')
    if (NOT_OURS.test(name)) return wrong(words, word.at, 'the check writes this header itself')
    return { name, value: new Secret(value) }
  },
  print: ({ name }) => `"${name}: ${HIDDEN}"`,
}

/** Without what was written there: it may be a password. */
function wrong({ report }: Words, at: Span, message: string): Invalid {
  report('bad-value', at, message)
  return invalid
}

/** `a.b.0 [<value>]`: members by their names, elements by their numbers. */
const member: Syntax<{ readonly path: readonly string[]; readonly value: string | undefined }> = {
  text: '<path> [<value>]',
  parse(words) {
    words.requote(true)
    const names = words.need('<path>')
    if (names === undefined) return invalid
    return { path: names.text.split('.'), value: words.take()?.text }
  },
  print: ({ path: names, value }) =>
    [names.join('.'), ...(value === undefined ? [] : [value])].map((said) => path.print(said)).join(' '),
}

const text: Syntax<{ readonly text: string }> = {
  text: '<text>',
  parse(words) {
    const said = path.parse(words)
    return said === invalid ? invalid : { text: said }
  },
  print: (value) => path.print(value.text),
}

/** What a `url` of HTTP_GET and SSL_GET may have that keepalived's has not. */
export const ownUrlEntries = {
  method: setting(choice('GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'), 'Method of the request; default GET.'),
  header: several(
    header,
    'A header of the request; `Host` and `User-Agent` take the place of those that it has by itself.',
  ),
  request_body: setting(path, 'Body of the request.'),
  contains: several(text, 'The body must have this text in it.'),
  json: several(
    member,
    'The body must be JSON, and this member of it the value; without one anything but false and null.',
  ),
  follow_redirects: setting(integer(0, 20), 'How many redirects are followed, always on the same server; default 0.'),
  body_limit: setting(integer(1, 2 ** 28), 'Longest body that is read, in bytes; default 16 MiB.'),
} as const satisfies Entries
