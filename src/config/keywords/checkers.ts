import { seconds as secondsOf } from '../../time.ts'
import type { Entries } from '../schema/entry.ts'
import { detail, alias, flag, inherited, later, repeated, section, setting } from '../schema/kinds.ts'
import { path, script, user } from '../schema/script.ts'
import { invalid, many, one, type Syntax } from '../schema/syntax.ts'
import {
  choice,
  hexBytes,
  integer,
  interfaceName,
  port,
  seconds,
  trackWeight,
  truthOrNothing,
  unicastAddress,
  word,
} from '../schema/values.ts'
import {
  ALPHA,
  BFD,
  CHECK_SOURCE,
  DNS_CHECK,
  FILE_CHECK,
  HTTP_DETAILS,
  LOGGING,
  MISC_CHECK,
  REGEX,
  SMTP_CHECK,
  SSL_GET,
} from './features.ts'

/** Longest time of a checker: 2^32 microseconds. */
const LONGEST = 4294
const time = seconds(0, LONGEST)
const timeout = seconds(0.000001, LONGEST)
const attempts = integer(0, 2 ** 32 - 1)

const help = {
  delay_loop: 'Between two checks.',
  retry: 'Failures that are forgiven before a server counts as down.',
  delay_before_retry: 'Between a failure and the next try.',
  warmup: 'The first check starts within this, at random.',
  connect_timeout: 'Deadline of a whole check, not of its parts.',
} as const

/** The timing keywords of a virtual server; those of its real servers and their checkers come from here. */
export const virtualServerSchedule = {
  delay_loop: setting(timeout, help.delay_loop, secondsOf(60)),
  connect_timeout: setting(timeout, help.connect_timeout, secondsOf(5)),
  retry: setting(attempts, help.retry),
  delay_before_retry: setting(time, help.delay_before_retry),
  warmup: setting(time, help.warmup),
} as const

/** The same of a real server. */
export const realServerSchedule = {
  delay_loop: inherited(timeout, help.delay_loop, 'that of the virtual server'),
  connect_timeout: inherited(timeout, help.connect_timeout, 'that of the virtual server'),
  retry: setting(attempts, help.retry),
  delay_before_retry: setting(time, help.delay_before_retry),
  warmup: setting(time, help.warmup),
} as const

/** The same of a checker. */
const schedule = {
  delay_loop: inherited(timeout, help.delay_loop, 'that of the real server'),
  retry: inherited(attempts, help.retry, 'that of the servers; else 1, 3 for DNS_CHECK, 0 for MISC_CHECK'),
  delay_before_retry: inherited(
    time,
    help.delay_before_retry,
    'that of the servers; else 1, 3 for HTTP_GET and SSL_GET',
  ),
  warmup: inherited(time, help.warmup, 'that of the servers; else delay_loop'),
} as const

/** What every checker has but those of files and BFD. */
const common = {
  ...schedule,
  alpha: later(ALPHA, setting(truthOrNothing, 'The server is down until the first check says otherwise.')),
  log_all_failures: later(LOGGING, setting(truthOrNothing, 'Every failed check is logged, not only changes.')),
} as const

/** What checkers have that connect. */
const connecting = {
  connect_ip: setting(unicastAddress, 'Address to check; that of the real server unless said.'),
  connect_port: setting(port, 'Port to check; that of the real server unless said.'),
  bindto: later(CHECK_SOURCE, setting(unicastAddress, 'Source address of the check.')),
  bind_port: later(CHECK_SOURCE, setting(port, 'Source port of the check.')),
  bind_if: later(CHECK_SOURCE, setting(interfaceName, 'Interface of the check.')),
  connect_timeout: inherited(timeout, help.connect_timeout, 'that of the real server'),
  fwmark: later(CHECK_SOURCE, setting(integer(0, 2 ** 32 - 1), 'Firewall mark of the packets of the check.')),
  ...common,
} as const

const md5 = one({
  text: '<32 hexadecimal digits>',
  expected: '32 hexadecimal digits (MD5)',
  read: (text) => (/^[0-9a-fA-F]{32}$/.test(text) ? text.toLowerCase() : undefined),
})

/** A status code, or a range of them with both ends. */
const statusCodes = many(
  one<readonly [low: number, high: number]>({
    text: '<100-599>[-<100-599>]',
    expected: 'a code or a range from 100 to 599',
    read(text) {
      const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text)
      const low = Number(match?.[1])
      const high = Number(match?.[2] ?? match?.[1])
      return match !== null && low <= high ? [low, high] : undefined
    },
    print: ([low, high]) => (low === high ? `${low}` : `${low}-${high}`),
  }),
)

/** Names as the manual page of keepalived has them. */
const REGEX_OPTIONS = [
  'allow_empty_class',
  'alt_bsux',
  'auto_callout',
  'caseless',
  'dollar_endonly',
  'dotall',
  'dupnames',
  'extended',
  'firstline',
  'match_unset_backref',
  'multiline',
  'never_ucp',
  'never_utf',
  'no_auto_capture',
  'no_auto_possess',
  'no_dotstar_anchor',
  'no_start_optimize',
  'ucp',
  'ungreedy',
  'utf',
  'never_backslash_c',
  'alt_circumflex',
  'alt_verbnames',
  'use_offset_limit',
] as const

const urlEntries = {
  path: setting(word('<path>'), 'Path with query.', '/'),
  digest: setting(md5, 'MD5 of the body, as genhash prints it.'),
  status_code: setting(statusCodes, 'Accepted status codes and ranges.', [[200, 299]]),
  virtualhost: setting(word('<host>'), 'Host header; that of the checker unless said.'),
  regex: later(REGEX, setting(path, 'The body must match this regular expression.')),
  regex_no_match: later(REGEX, flag('The body must not match.')),
  regex_options: detail(REGEX, setting(many(choice(...REGEX_OPTIONS)), 'How it is matched.')),
  regex_min_offset: detail(REGEX, setting(integer(0, 2 ** 31 - 1), 'The match begins no earlier than here.')),
  regex_max_offset: detail(REGEX, setting(integer(0, 2 ** 31 - 1), 'The match begins no later than here.')),
  regex_stack: detail(REGEX, setting(many(integer(1, 2 ** 31 - 1)), 'Sizes of the stack of PCRE2.')),
  tls_compliant: later(HTTP_DETAILS, setting(truthOrNothing, 'Ends TLS in order.')),
} as const

const retry = connecting.retry

function webEntries<U extends Entries>(url: U) {
  return {
    ...connecting,
    nb_get_retry: alias('retry', retry),
    virtualhost: setting(word('<host>'), 'Host header of its URLs; that of the real server unless said.'),
    http_protocol: later(HTTP_DETAILS, setting(choice('1.0', '1.0C', '1.1', '1.0c'), 'Version of HTTP.'), '1.1'),
    enable_sni: later(HTTP_DETAILS, setting(truthOrNothing, 'Says the host name in TLS.')),
    sni_name: later(HTTP_DETAILS, setting(word('<name>'), 'The host name for it.')),
    fast_recovery: later(
      HTTP_DETAILS,
      setting(truthOrNothing, 'Checks all URLs without a pause at the start and at a recovery.'),
    ),
    tls_compliant: later(HTTP_DETAILS, setting(truthOrNothing, 'Ends TLS in order.')),
    url: repeated(url, 'One request.'),
  } as const
}

const { tls_compliant: _ofUrl, ...httpUrl } = urlEntries
const { tls_compliant: _ofChecker, ...httpGet } = webEntries(httpUrl)

/** Bytes to wait for; none means any. */
const requiredReply: Syntax<{ readonly bytes: string | undefined }> = {
  text: '[<hex with X for any> …]',
  parse(words) {
    if (words.peek() === undefined) return { bytes: undefined }
    const bytes = hexBytes(true).parse(words)
    return bytes === invalid ? invalid : { bytes }
  },
  print: ({ bytes }) => bytes ?? '',
}

/** The checker blocks of a real server. */
export const checkers = {
  PING_CHECK: repeated(connecting, 'An ICMP echo is answered.'),
  TCP_CHECK: repeated(connecting, 'A TCP connection is accepted.'),
  UDP_CHECK: repeated(
    {
      ...connecting,
      payload: setting(hexBytes(false), 'Bytes to send.'),
      require_reply: setting(
        requiredReply,
        'Fails when nothing comes back, or what does not begin with these bytes; X is half a byte of any value.',
      ),
      min_reply_length: setting(integer(0, 65_535), 'Shortest reply that `require_reply` takes; 0 unless said.'),
      max_reply_length: setting(
        integer(0, 65_535),
        'Longest reply that `require_reply` takes; 255 unless said, any without a pattern.',
      ),
    } as const,
    'A datagram is answered, or at least not refused.',
  ),
  HTTP_GET: repeated(httpGet, 'A page is served with the right status and, if asked, the right body.'),
  SSL_GET: later(SSL_GET, repeated(webEntries(urlEntries), 'The same over TLS.')),
  SMTP_CHECK: later(
    SMTP_CHECK,
    repeated(
      {
        ...connecting,
        helo_name: setting(word('<name>'), 'Name that is said to the server.'),
        host: section(connecting, 'Deprecated: what to connect to.'),
      } as const,
      'A mail server greets and says goodbye.',
    ),
  ),
  DNS_CHECK: later(
    DNS_CHECK,
    repeated(
      {
        ...connecting,
        type: setting(
          choice('SOA', 'A', 'NS', 'CNAME', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'),
          'What is asked for.',
          'SOA',
        ),
        name: setting(word('<domain>'), 'The name that is asked for.', '.'),
      } as const,
      'A name server answers.',
    ),
  ),
  MISC_CHECK: later(
    MISC_CHECK,
    repeated(
      {
        ...common,
        misc_path: setting(script, 'The script; exit status 0 is up.'),
        misc_timeout: setting(seconds(0.000001, 4294), 'How long it may run; delay_loop unless said.'),
        misc_dynamic: setting(truthOrNothing, 'Exit status 2 to 255 sets the weight to 2 less.'),
        user: setting(user, 'Who runs it.'),
      } as const,
      'A script succeeds.',
    ),
  ),
  FILE_CHECK: later(
    FILE_CHECK,
    repeated(
      {
        track_file: setting(word('<track_file>'), 'The file.'),
        weight: setting(trackWeight(2 ** 31 - 1), 'The number in it is multiplied with this.'),
      } as const,
      'The number in a file changes the weight.',
    ),
  ),
  BFD_CHECK: later(
    BFD,
    repeated(
      {
        name: setting(word('<bfd_instance>'), 'The session.'),
        alpha: setting(truthOrNothing, 'The server is down until the session says otherwise.'),
      } as const,
      'A BFD session is up.',
    ),
  ),
} as const satisfies Entries
