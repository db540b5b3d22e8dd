/** A keyword that keepalived once had, or that is often written where it does not belong, and that it passes over. */
export interface Obsolete {
  /** The name of the block that it stands in. */
  readonly block: RegExp
  readonly keyword: string
  readonly why: string
  /** The keyword of the same block that means the same. */
  readonly instead?: string
}

/** None of them has an effect in keepalived, or takes a protection away when it is left out. */
const OBSOLETE: readonly Obsolete[] = [
  {
    block: /^global_defs$/,
    keyword: 'lvs_id',
    why: 'keepalived no longer has it',
    instead: 'router_id',
  },
  {
    block: /^global_defs$/,
    keyword: 'linkbeat_use_polling',
    why: 'it stands outside of `global_defs`, and the kernel reports link changes without it',
  },
  { block: /^global_defs$/, keyword: 'plugin_dir', why: 'there are no plugins' },
  { block: /^virtual_server$/, keyword: 'nat_mask', why: 'keepalived no longer has it, and NAT needs no mask' },
  {
    block: /^vrrp_instance$/,
    keyword: 'lvs_sync_daemon_inteface',
    why: 'keepalived ignores this spelling; use `lvs_sync_daemon` in `global_defs`',
  },
  {
    block: /^(TCP_CHECK|PING_CHECK|UDP_CHECK|SMTP_CHECK|DNS_CHECK|host)$/,
    keyword: 'nb_get_retry',
    why: 'only HTTP_GET and SSL_GET had it; use `retry`',
  },
  {
    block: /^vrrp_instance$/,
    keyword: 'garp_interval',
    why: 'it stands in `garp_group`; `vrrp_garp_interval` in `global_defs` holds for all',
  },
  {
    block: /^vrrp_instance$/,
    keyword: 'gna_interval',
    why: 'it stands in `garp_group`; `vrrp_gna_interval` in `global_defs` holds for all',
  },
  { block: /^MISC_CHECK$/, keyword: 'nb_get_retry', why: 'only HTTP_GET and SSL_GET had it; use `retry`' },
  { block: /^MISC_CHECK$/, keyword: 'connect_timeout', why: 'a script does not connect; use `misc_timeout`' },
  { block: /^MISC_CHECK$/, keyword: 'connect_port', why: 'a script does not connect; `misc_path` has its arguments' },
]

/** What is known of a keyword that is none of its block. */
export function obsoleteKeyword(block: string, keyword: string): Obsolete | undefined {
  return OBSOLETE.find((each) => each.keyword === keyword && each.block.test(block))
}
