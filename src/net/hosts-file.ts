import { type Address, isIpv4, parseAddress } from './address.ts'

/** The addresses that a file in the form of hosts(5) has for a name, in its order; lines that are none are passed over. */
export function addressesInHostsFile(text: string, host: string, family: 'inet' | 'inet6'): readonly Address[] {
  const wanted = host.replace(/\.$/, '').toLowerCase()
  const found = new Set<Address>()
  for (const line of text.split('\n')) {
    const [first = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (!names.some((name) => name.toLowerCase() === wanted)) continue
    const address = parseAddress(first)
    if (address !== undefined && isIpv4(address) === (family === 'inet')) found.add(address)
  }
  return [...found]
}
