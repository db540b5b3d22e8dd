import { type Address, addressBits, isIpv4, isUnicastAddress, parseAddress } from '../../net/address.ts'
import { networkOf, type Prefix } from '../../net/address-range.ts'
import { type Millis, millis, seconds } from '../../time.ts'
import type { Report } from '../diagnostic.ts'
import { removeStatement, replaceWord } from '../fix.ts'
import type { Word } from '../lexer.ts'
import { type Invalid, invalid, maybe, one, type Syntax, type Words } from './syntax.ts'

/** A whole number in decimal, limits included. */
export function integer(low: number, high: number): Syntax<number> {
  return one({
    text: `<${low}-${high}>`,
    expected: `a whole number from ${low} to ${high}`,
    read: (text) => inRange(/^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN, low, high),
  })
}

const inRange = (value: number, low: number, high: number) => (value >= low && value <= high ? value : undefined)

/** Seconds with a fraction, in steps of a microsecond unless said; more digits are rounded, with a warning. */
export function inSeconds(low: number, high: number, digits = 6): Syntax<Millis> {
  return decimal({
    text: `<${low}-${high} seconds>`,
    low,
    high,
    digits,
    unit: seconds,
    printed: (value) => value / 1000,
  })
}

/** Milliseconds with up to three decimals (BFD). */
export function inMilliseconds(low: number, high: number): Syntax<Millis> {
  return decimal({ text: `<${low}-${high} ms>`, low, high, digits: 3, unit: millis, printed: (value) => value })
}

function decimal(spec: {
  text: string
  low: number
  high: number
  digits: number
  unit(value: number): Millis
  printed(value: Millis): number
}): Syntax<Millis> {
  return {
    text: spec.text,
    parse(words: Words): Millis | Invalid {
      const word = words.need(spec.text)
      if (word === undefined) return invalid
      const match = /^\+?(\d*)(?:\.(\d*))?$/.exec(word.text)
      const value = match === null || word.text.length > 32 ? Number.NaN : Number(word.text)
      if (!(value >= spec.low && value <= spec.high)) {
        return words.bad(
          word,
          `a number from ${spec.low} to ${spec.high} in ${spec.text.includes('ms') ? 'milliseconds' : 'seconds'}`,
          /^([\d.]+)s$/.exec(word.text)?.[1],
        )
      }
      if ((match?.[2]?.length ?? 0) <= spec.digits) return spec.unit(value)
      words.report('rounded-value', word.at, `rounded to ${spec.digits} decimals`)
      return spec.unit(Number(value.toFixed(spec.digits)))
    },
    print: (value) => String(Number(spec.printed(value).toFixed(spec.digits))),
  }
}

/** One of a few words. */
export function choice<const T extends string>(...choices: readonly T[]): Syntax<T> {
  return one({
    text: choices.join('|'),
    expected: `one of ${choices.join(', ')}`,
    words: choices,
    read: (text) => choices.find((candidate) => candidate === text),
  })
}

/** The same in any mixture of cases. A warning says so where keepalived takes only one. */
export function choiceOfAnyCase<const T extends string>(warn: boolean, ...choices: readonly T[]): Syntax<T> {
  const exact = choice(...choices)
  return {
    ...exact,
    parse(words) {
      const next = words.peek()
      const meant = choices.find((candidate) => candidate.toLowerCase() === next?.text.toLowerCase())
      if (next === undefined || meant === undefined || meant === next.text) return exact.parse(words)
      words.take()
      const { text, at } = next
      const message = `\`${text}\` is read as \`${meant}\`; keepalived does not know this spelling, and uses the default`
      if (warn) words.report('other-case', at, message, `write \`${meant}\``, replaceWord(at, text, meant))
      return meant
    },
  }
}

const TRUTH = { on: true, off: false, true: true, false: false, yes: true, no: false } as const
const truthWord = choiceOfAnyCase(true, 'on', 'off', 'true', 'false', 'yes', 'no')

/** `on`, `off`, `true`, `false`, `yes` or `no`. */
const truth: Syntax<boolean> = {
  ...truthWord,
  text: 'on|off',
  parse(words) {
    const said = truthWord.parse(words)
    return said === invalid ? invalid : TRUTH[said]
  },
  print: (value) => (value ? 'on' : 'off'),
}

/** A truth that may be left out, which means true. */
export const truthOrNothing: Syntax<boolean> = {
  ...truth,
  text: `[${truth.text}]`,
  parse: (words) => (words.peek() === undefined ? true : truth.parse(words)),
}

/** The same behind a flag: undefined, and no word is taken, when the next one says no such thing. */
export function truthOfFlag(words: Words): boolean | Invalid | undefined {
  return Object.hasOwn(TRUTH, words.peek()?.text.toLowerCase() ?? '') ? truth.parse(words) : undefined
}

/** A flag that says `no` or the like has no effect, and may have another one in keepalived. */
export function reportOff({ text, at }: Word, report: Report): void {
  const message = `\`${text}\` is off; some versions of keepalived read it as on, whatever follows`
  report('ignored-value', at, message, 'leave it out', removeStatement(at))
}

/** A flag that one of a few words may follow. */
export function flagWith<const T extends string>(
  ...words: readonly T[]
): Syntax<{ readonly value: T | undefined } | undefined> {
  const inner = maybe(choice(...words))
  return {
    ...inner,
    parse(words) {
      const on = truthOfFlag(words)
      if (on === undefined) return inner.parse(words)
      if (on === false) reportOff(words.keyword, words.report)
      return on === invalid ? invalid : on ? { value: undefined } : undefined
    },
    print: (said) => (said === undefined ? '' : inner.print(said)),
  }
}

/** Any one word. */
export function word(text: string): Syntax<string> {
  return one({ text, expected: text, read: (value) => (value === '' ? undefined : value) })
}

const INTERFACE_LENGTH = 15

/** A network interface, by name. */
export const interfaceName: Syntax<string> = one({
  text: '<interface>',
  expected: `the name of an interface, at most ${INTERFACE_LENGTH} characters`,
  read: (text) => (text !== '' && text.length <= INTERFACE_LENGTH && !/[/\s]/.test(text) ? text : undefined),
})

/** An address of either family. */
export const anyAddress: Syntax<Address> = one({ text: '<address>', expected: 'an IP address', read: parseAddress })

const exactUnicastAddress: Syntax<Address> = one({
  text: '<address>',
  expected: 'a unicast IP address',
  read(text) {
    const address = parseAddress(text)
    return address !== undefined && isUnicastAddress(address) ? address : undefined
  },
})

/** One host. A prefix length behind its address is passed over, as in keepalived, with a warning; a network is a mistake. */
export const unicastAddress: Syntax<Address> = {
  ...exactUnicastAddress,
  parse(words) {
    const next = words.peek()
    const said = next?.text.includes('/') === true ? parsePrefix(withPrefixLength(next.text) ?? next.text) : undefined
    if (next === undefined || said === undefined || !isUnicastAddress(said.address) || isNetwork(said))
      return exactUnicastAddress.parse(words)
    words.take()
    const { text, at } = next
    const [alone = '', length = ''] = text.split('/')
    const message = `\`/${length}\` has no effect: this is the address of one host`
    words.report('ignored-value', at, message, `write \`${alone}\``, replaceWord(at, text, alone))
    return said.address
  },
}

/** Whether a prefix is that of several hosts rather than of one among them. */
const isNetwork = (prefix: Prefix) =>
  prefix.length < addressBits(prefix.address) && networkOf(prefix).address === prefix.address

export const multicastAddress: Syntax<Address> = one({
  text: '<multicast address>',
  expected: 'a multicast IP address',
  read(text) {
    const address = parseAddress(text)
    return address !== undefined && /^(22[4-9]|23\d|ff)/.test(address) ? address : undefined
  },
})

/** `10.0.0.1/24`; without a length it is the whole address. */
export function parsePrefix(text: string): Prefix | undefined {
  const [addressText = '', lengthText, ...more] = text.split('/')
  const address = parseAddress(addressText)
  if (address === undefined || more.length > 0) return undefined
  if (lengthText === undefined) return { address, length: addressBits(address) }
  const length = /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : Number.NaN
  return length <= addressBits(address) ? { address, length } : undefined
}

export const printPrefix = ({ address, length }: Prefix): string => `${address}/${length}`

export const prefix: Syntax<Prefix> = one({
  text: '<address>[/<length>]',
  expected: 'an IP address with an optional prefix length',
  read: parsePrefix,
  correct: withPrefixLength,
  print: printPrefix,
})

/** `10.0.0.1/255.255.255.0` as `10.0.0.1/24`. */
export function withPrefixLength(text: string): string | undefined {
  const [address = '', mask = ''] = text.split('/')
  const length = maskLength(mask)
  return length === undefined || length === 0 || parseAddress(address) === undefined
    ? undefined
    : `${address}/${length}`
}

/** How many bits a netmask has; undefined when it is none. */
function maskLength(text: string): number | undefined {
  const address = parseAddress(text)
  if (address === undefined || !isIpv4(address)) return undefined
  const bits = address
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('')
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined
}

export const port: Syntax<number> = integer(1, 65535)

/** Netmask of an IPv4 address, or prefix length of an IPv6 address; the mask of no bits makes all clients one. */
export const granularity: Syntax<number> = one({
  text: '<netmask>|<1-128>',
  expected: 'an IPv4 netmask or a prefix length',
  read(text) {
    if (/^\d{1,3}$/.test(text)) return inRange(Number(text), 1, 128)
    return maskLength(text)
  },
  print: (value) => (value === 0 ? '0.0.0.0' : String(value)),
})

/** A change of a priority or a weight; `reverse` turns round when it applies. */
export interface TrackWeight {
  readonly weight: number
  readonly reverse: boolean
}

export function trackWeight(limit: number): Syntax<TrackWeight> {
  const number = integer(-limit, limit)
  return {
    text: `${number.text} [reverse|noreverse]`,
    parse(words) {
      const weight = number.parse(words)
      if (weight === invalid) return invalid
      const next = words.peek()?.text
      if (next === 'reverse' || next === 'noreverse') words.take()
      return { weight, reverse: next === 'reverse' }
    },
    print: ({ weight, reverse }) => (reverse ? `${weight} reverse` : `${weight}`),
  }
}

/** Bytes in hexadecimal, also in quotes: `Ab12f 3` is AB 12 0F 03. With `wildcards`, X stands for any half of a byte. */
export function hexBytes(wildcards: boolean): Syntax<string> {
  const digit = wildcards ? '[0-9A-Fa-fXx]' : '[0-9A-Fa-f]'
  const pattern = new RegExp(`^${digit}+$`)
  return {
    text: '<hex> …',
    parse(words) {
      let bytes = ''
      do {
        const next = words.need('<hex>')
        if (next === undefined) return invalid
        const groups = next.text.split(/[ \t]+/).filter(Boolean)
        if (groups.length === 0 || !groups.every((group) => pattern.test(group))) {
          return words.bad(next, wildcards ? 'bytes in hexadecimal, X for any half of one' : 'bytes in hexadecimal')
        }
        // An odd last digit is a byte of its own.
        bytes += groups.map((group) => group.replace(/^((?:..)*)(.)$/, '$10$2')).join('')
      } while (words.peek() !== undefined)
      return bytes.toUpperCase()
    },
    print: (value) => value,
  }
}
