import { isUnicast, type Ipv4, parseIpv4 } from '../net/ipv4.ts'
import { type Millis, seconds } from '../time.ts'
import type { Argument } from './schema.ts'

/** A whole number in decimal, limits included. */
export function integer(low: number, high: number): Argument<number> {
  const syntax = `<${low}-${high}>`
  return {
    syntax,
    parse(text) {
      const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
      return value >= low && value <= high ? { value } : { expected: `a whole number from ${low} to ${high}` }
    },
  }
}

/** Seconds with up to six decimals, limits included. */
export function time(low: number, high: number): Argument<Millis> {
  return {
    syntax: `<${low}-${high} seconds>`,
    parse(text) {
      const value = /^\d+(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
      return value >= low && value <= high
        ? { value: seconds(value) }
        : { expected: `a number of seconds from ${low} to ${high}` }
    },
  }
}

/** One of a few words. */
export function choice<const T extends string>(...choices: readonly T[]): Argument<T> {
  const syntax = choices.join('|')
  return {
    syntax,
    parse(text) {
      const value = choices.find((candidate) => candidate === text)
      return value === undefined ? { expected: `one of ${choices.join(', ')}` } : { value }
    },
  }
}

/** Any one word. */
export function word(syntax: string): Argument<string> {
  return { syntax, parse: (text) => (text === '' ? { expected: syntax } : { value: text }) }
}

/** A unicast IPv4 address. */
export const ipv4: Argument<Ipv4> = {
  syntax: '<IPv4 address>',
  parse(text) {
    const value = parseIpv4(text)
    if (value === undefined) return { expected: 'an IPv4 address' }
    return isUnicast(value) ? { value } : { expected: 'a unicast IPv4 address' }
  },
}

export const port: Argument<number> = integer(1, 65535)

/** The same argument, which may be left out. */
export function optional<T>(argument: Argument<T>): Argument<T | undefined> {
  return { ...argument, syntax: `[${argument.syntax}]`, optional: true }
}
