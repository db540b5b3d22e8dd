/** Why a received packet was not used, and what that is called where people read it. Each has a counter. */
export const DROP_REASONS = {
  // The packet by itself
  'ip-header': 'it is no whole IP packet',
  source: 'its source address is none',
  truncated: 'it is shorter than it says',
  trailing: 'there are bytes behind it',
  version: 'it has another VRRP version',
  type: 'it is no advertisement',
  checksum: 'its checksum is wrong',
  'interval-zero': 'its interval is 0',
  // By what instances expect
  'virtual-router': 'no instance here has its virtual_router_id',
  cast: 'one of multicast and unicast is expected, and it is the other',
  group: 'it was sent to another multicast group',
  ttl: 'its TTL is not 255, or not between min_ttl and max_ttl',
  'count-zero': 'it lists no address, and the instance has some',
  peer: 'its source is none of the unicast peers',
  interval: 'version 2, and its interval is not advert_int',
  addresses: 'version 2, and its addresses are not those of the instance',
  // Authentication of version 2
  authentication: 'its password is another one',
  'authentication-type': 'it has another type of authentication',
  'authentication-unknown': 'there is no such type of authentication',
  // auth_hmac, and AH
  unsigned: 'it has no signature',
  'signature-form': 'what should be its signature is none',
  'signature-key': 'it is signed with a key that is not here',
  signature: 'its signature is wrong',
  stale: 'it was signed too long ago, or the clocks differ',
  replayed: 'its sequence number is not greater than that of one before',
} as const

export type DropReason = keyof typeof DROP_REASONS
