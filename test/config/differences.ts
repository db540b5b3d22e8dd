/**
 * A difference from keepalived 2.2.7 that is meant. Either a message of Tanist that refuses what keepalived takes, or
 * a message of keepalived about what Tanist takes, or tells at another line.
 */
export interface Difference {
  /** What Tanist says where keepalived says nothing. */
  readonly ours?: RegExp
  /** What keepalived says where Tanist says nothing. */
  readonly theirs?: RegExp
  /** What keepalived says at a line where Tanist names another one. */
  readonly elsewhere?: RegExp
  readonly reason: string
}

export const DIFFERENCES: readonly Difference[] = [
  {
    ours: /error\[duplicate-server\]: another virtual_server/,
    reason: 'keepalived takes the second service for the same one and loses the servers of one of them',
  },
  {
    ours: /error\[duplicate-name\]: another (vrrp_script|vrrp_track_process|virtual_server_group|track_file)/,
    reason: 'keepalived keeps one of the two without saying which',
  },
  {
    ours: /error\[bad-value\]: expected a number from 0(\.000001)? to 4294 in seconds/,
    reason: 'keepalived lets an interval of a checker overflow',
  },
  { ours: /`regex(_options)?` needs/, reason: 'keepalived takes a checker for any body from a slip of the pen' },
  {
    theirs: /SECURITY VIOLATION/,
    reason: 'scripts are never run from where others may write; there is nothing to switch on',
  },
  {
    theirs: /interface \S+ .*doesn't exist|Non-existent interface/,
    reason: 'a static check does not look at the host',
  },
  {
    theirs: /cannot track route \S+ with no interface specified/,
    reason: 'it is tracked all the same: what is there is asked of the kernel',
  },
  {
    elsewhere: /No script set for vrrp_script|vrrp_instance .* must|Track file .* no file|No process/,
    reason: 'what a block lacks is told at its head, not at its closing brace',
  },
  { elsewhere: /not found, ignoring/, reason: 'the name is told where it should be defined; order does not matter' },
]
