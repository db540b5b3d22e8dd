import type { Endpoint } from '../model/endpoint.ts'
import { type Address, parseAddress } from '../net/address.ts'
import { ipv4At } from '../net/ipv4.ts'

/** Turns names into numbers, as the system knows them. */
export interface Resolver {
  /** An IPv4 address: ipvsadm asks for no other. */
  address(name: string): Address | undefined
  port(name: string, protocol: string): number | undefined
}

/** A decimal number as strtol(3) reads it, all of the text and within a range. */
export function wholeNumber(text: string, lowest: number, highest: number): number | undefined {
  const value = /^\s*[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  return value >= lowest && value <= highest ? value + 0 : undefined
}

/** The number that a text begins with, as atoi(3) reads it; 0 without one. */
export const leadingNumber = (text: string): number => Number(/^\s*[+-]?\d+/.exec(text)?.[0] ?? 0)

/**
 * An address as inet_aton(3) reads it: of fewer than four parts, the last one fills the rest; parts are decimal, octal after `0` or
 * hexadecimal after `0x`. As an unsigned number.
 */
export function looseIpv4(text: string): number | undefined {
  const parts = text.split('.').map(addressPart)
  const last = parts.pop()
  if (last === undefined || parts.length > 3 || last >= 256 ** (4 - parts.length)) return undefined
  let value = last
  for (const [i, part] of parts.entries()) {
    if (part === undefined || part > 255) return undefined
    value += part * 256 ** (3 - i)
  }
  return value >>> 0
}

function addressPart(text: string): number | undefined {
  if (/^0[xX][\da-fA-F]+$/.test(text)) return Number(text)
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8)
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined
}

/**
 * `HOST`, `HOST:PORT` or `[IPV6]:PORT`; the port is undefined when there is none. `protocol`: by which the names of ports go, if one
 * was said. Undefined for what is no such thing.
 */
export function readEndpoint(
  text: string,
  protocol: string | undefined,
  resolver: Resolver,
): { readonly address: Address; readonly port: number | undefined } | undefined {
  if (/^\d*$/.test(text)) return undefined
  const [, inBrackets, behind] = /^\[([^\]]*)\]:(.*)$/.exec(text) ?? []
  if (text.startsWith('[') && inBrackets === undefined) return undefined
  const host = inBrackets ?? text
  const ipv6 = host.includes(':') ? parseAddress(host) : undefined
  if (ipv6 !== undefined) return withPort(ipv6, behind, protocol, resolver)
  // ipvsadm looks for the port of any other host behind the last colon, also within brackets.
  const colon = host.lastIndexOf(':')
  const name = colon === -1 ? host : host.slice(0, colon)
  const address = ipv4Of(name) ?? resolver.address(name)
  if (address === undefined) return undefined
  return withPort(address, colon === -1 ? undefined : host.slice(colon + 1), protocol, resolver)
}

function ipv4Of(text: string): Address | undefined {
  const value = looseIpv4(text)
  if (value === undefined) return undefined
  const bytes = new DataView(new ArrayBuffer(4))
  bytes.setUint32(0, value)
  return ipv4At(bytes, 0)
}

function withPort(
  address: Address,
  text: string | undefined,
  protocol: string | undefined,
  resolver: Resolver,
): { readonly address: Address; readonly port: Endpoint['port'] | undefined } | undefined {
  if (text === undefined) return { address, port: undefined }
  const named = () => (protocol === undefined ? undefined : resolver.port(text, protocol.toLowerCase()))
  const port = wholeNumber(text, 0, 65_535) ?? named()
  return port === undefined ? undefined : { address, port }
}
