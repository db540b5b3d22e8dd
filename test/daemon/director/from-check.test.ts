import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RequestError } from '../../../src/control/decode.ts'
import { readFromCheck } from '../../../src/daemon/director/from-check.ts'

const verdict = { id: 'a', at: 1_767_225_600_000, up: false, reason: 'ECONNREFUSED', duration: 0.5 }
const all = (more: object) => ({ type: 'verdicts', verdicts: [{ ...verdict, ...more }] })
const found = { type: 'found', host: 'db', family: 'inet', addresses: ['10.0.0.1', '10.0.0.2'] }
const host = (more: object) => ({ type: 'host', news: { ...found, ...more } })

const asked = (more: object) => ({
  type: 'asked',
  number: 3,
  asked: { up: true, reason: 'connected', duration: 0.5, steps: [{ what: 'connects', after: 0.1 }], ...more },
})

describe('what the check process says', () => {
  test.each([
    ['verdicts', all({})],
    [
      'one with all that there may be',
      all({ weight: { type: 'percent', value: 75 }, unreachable: true, notAsked: true }),
    ],
    ['one of a checker of a group with a long name', all({ id: 'g'.repeat(5000) })],
    ['news that are told', { type: 'told', numbers: [0, 7] }],
    ['what was asked by hand', asked({})],
    ['the same, when this host could not ask', asked({ up: undefined, warning: 'soon', weight: { type: 'drain' } })],
    ['the addresses of a name', host({})],
    ['more than there may be', host({ isCut: true, family: 'inet6', addresses: ['2001:db8::1'] })],
    [
      'that there are none',
      { type: 'host', news: { type: 'failed', host: 'db', family: 'inet', failure: 'ENOTFOUND' } },
    ],
  ])('%s is taken as it is', (_what, message) => expect(readFromCheck(message)).toEqual(message))

  test.each([
    ['nothing', null, 'message must be an object'],
    ['a word', 'alive', 'message must be an object'],
    ['another type', { type: 'configure' }, 'message.type must be one of verdicts, host, told, asked'],
    ['a type of Object itself', { type: 'constructor' }, 'message.type must be one of'],
    ['no list', { type: 'verdicts', verdicts: verdict }, 'message.verdicts must be a list'],
    ['an up that is a word', all({ up: 'false' }), 'message.verdicts[0].up must be true or false'],
    ['no reason', all({ reason: undefined }), 'message.verdicts[0].reason must be text'],
    [
      'a reason without end',
      all({ reason: 'x'.repeat(5000) }),
      'message.verdicts[0].reason must be text of at most 4096',
    ],
    ['a moment that no Date can say', all({ at: 9e15 }), 'message.verdicts[0].at must be a whole number'],
    ['a duration before its beginning', all({ duration: -1 }), 'message.verdicts[0].duration must be a duration'],
    ['a weight of no kind', all({ weight: { type: 'set', value: 1 } }), 'weight.type must be one of is, add, percent'],
    ['half a weight', all({ weight: { type: 'is', value: 0.5 } }), 'weight.value must be a whole number'],
    ['a field that there is not', all({ since: 1 }), 'message.verdicts[0].since is not known here'],
    [
      'steps without end',
      asked({ steps: Array.from({ length: 129 }, () => ({ what: '', after: 0 })) }),
      'asked.steps must be a list of at most',
    ],
    [
      'a step that is a book',
      asked({ steps: [{ what: 'x'.repeat(513), after: 0 }] }),
      'what must be text of at most 512',
    ],
    ['a step before the beginning', asked({ steps: [{ what: '', after: -1 }] }), 'after must be a duration'],
    ['an address of nobody', host({ addresses: ['224.0.0.1'] }), 'news.addresses[0] must be the address of a host'],
    ['one of the other family', host({ addresses: ['2001:db8::1'] }), 'news must be addresses of the family'],
    ['none', host({ addresses: [] }), 'news must be addresses of the family'],
    ['too many', host({ addresses: Array(17).fill('10.0.0.1') }), 'news.addresses must be a list of at most 16'],
    ['a number below 0', { type: 'told', numbers: [-1] }, 'message.numbers[0] must be a whole number'],
  ])('is refused: %s', (_what, message, why) => {
    expect(() => readFromCheck(message)).toThrow(RequestError)
    expect(() => readFromCheck(message)).toThrow(why)
  })

  test('is either whole or refused, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({
            type: fc.constantFrom('verdicts', 'told', 'asked'),
            verdicts: fc.jsonValue(),
            numbers: fc.jsonValue(),
            number: fc.nat(),
            asked: fc.jsonValue(),
          }),
          fc
            .tuple(fc.constantFrom(...Object.keys(found), 'isCut', 'failure'), fc.jsonValue())
            .map(([key, value]) => host({ [key]: value })),
          fc
            .tuple(fc.constantFrom(...Object.keys(verdict), 'weight', 'notAsked'), fc.jsonValue())
            .map(([key, value]) => all({ [key]: value })),
        ),
        (message) => {
          try {
            expect(readFromCheck(message)).toEqual(message)
          } catch (error) {
            expect(error).toBeInstanceOf(RequestError)
          }
        },
      ),
    )
  })
})
