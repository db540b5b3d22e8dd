import { seconds } from '../../time.ts'
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
  inSeconds,
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
const time = inSeconds(0, LONGEST)
const timeout = inSeconds(0.000001, LONGEST)
const attempts = integer(0, 2 ** 32 - 1)

const help = {
  delay_loop: 'Interval between two checks, in seconds.',
  retry: 'Number of retries after a failure before a server counts as down.',
  delay_before_retry: 'Delay between a failure and the retry, in seconds.',
  warmup: 'The first check starts after a random delay of at most this, in seconds.',
  connect_timeout: 'Time limit of a whole check, not only of its connection, in seconds.',
} as const

/** The timing keywords of a virtual server; those of its real servers and their checkers come from here. */
export const virtualServerSchedule = {
  delay_loop: setting(timeout, help.delay_loop, seconds(60)),
  connect_timeout: setting(timeout, help.connect_timeout, seconds(5)),
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
  alpha: later(ALPHA, setting(truthOrNothing, 'The real server is down until the first check succeeds.')),
  log_all_failures: later(LOGGING, setting(truthOrNothing, 'Logs every failed check, not only changes of state.')),
} as const

/** What checkers have that connect. */
const connecting = {
  connect_ip: setting(unicastAddress, 'Address to check; default: that of the real server.'),
  connect_port: setting(port, 'Port to check; default: that of the real server.'),
  bindto: later(CHECK_SOURCE, setting(unicastAddress, 'Source address of the check.')),
  bind_port: later(CHECK_SOURCE, setting(port, 'Source port of the check.')),
  bind_if: later(CHECK_SOURCE, setting(interfaceName, 'Interface that the check leaves by.')),
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
  virtualhost: setting(word('<host>'), 'Host header; default: that of the checker.'),
  regex: later(REGEX, setting(path, 'The body must match this regular expression.')),
  regex_no_match: later(REGEX, flag('The body must not match.')),
  regex_options: detail(REGEX, setting(many(choice(...REGEX_OPTIONS)), 'Options of the regular expression.')),
  regex_min_offset: detail(
    REGEX,
    setting(integer(0, 2 ** 31 - 1), 'First offset in the body at which the match may begin.'),
  ),
  regex_max_offset: detail(
    REGEX,
    setting(integer(0, 2 ** 31 - 1), 'Last offset in the body at which the match may begin.'),
  ),
  regex_stack: detail(
    REGEX,
    setting(many(integer(1, 2 ** 31 - 1)), 'Initial and largest size of the JIT stack of PCRE2, in bytes.'),
  ),
  tls_compliant: later(HTTP_DETAILS, setting(truthOrNothing, 'Shuts TLS connections down as the standard requires.')),
} as const

const retry = connecting.retry

function webEntries<U extends Entries>(url: U) {
  return {
    ...connecting,
    nb_get_retry: alias('retry', retry),
    virtualhost: setting(word('<host>'), 'Host header of its URLs; default: that of the real server.'),
    http_protocol: later(HTTP_DETAILS, setting(choice('1.0', '1.0C', '1.1', '1.0c'), 'Version of HTTP.'), '1.1'),
    enable_sni: later(HTTP_DETAILS, setting(truthOrNothing, 'Sends Server Name Indication (SNI) in TLS.')),
    sni_name: later(HTTP_DETAILS, setting(word('<name>'), 'Host name for Server Name Indication (SNI).')),
    fast_recovery: later(
      HTTP_DETAILS,
      setting(truthOrNothing, 'Checks all URLs without delay at the start and when the server recovers.'),
    ),
    tls_compliant: later(HTTP_DETAILS, setting(truthOrNothing, 'Shuts TLS connections down as the standard requires.')),
    url: repeated(url, 'A URL to request.'),
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
  PING_CHECK: repeated(connecting, 'Checks that the server answers an ICMP echo request.'),
  TCP_CHECK: repeated(connecting, 'Checks that the server accepts a TCP connection.'),
  UDP_CHECK: repeated(
    {
      ...connecting,
      payload: setting(hexBytes(false), 'Bytes to send.'),
      require_reply: setting(
        requiredReply,
        'Fails without a reply, or if the reply does not begin with these bytes; X stands for any hexadecimal digit.',
      ),
      min_reply_length: setting(
        integer(0, 65_535),
        'Shortest reply that `require_reply` accepts, in bytes; default 0.',
      ),
      max_reply_length: setting(
        integer(0, 65_535),
        'Longest reply that `require_reply` accepts, in bytes; default 255, without a pattern any.',
      ),
    } as const,
    'Checks that the server answers a datagram, or at least does not refuse it by ICMP.',
  ),
  HTTP_GET: repeated(
    httpGet,
    'Checks that the server answers an HTTP request with the right status and, if configured, the right body.',
  ),
  SSL_GET: later(SSL_GET, repeated(webEntries(urlEntries), 'HTTP_GET over TLS.')),
  SMTP_CHECK: later(
    SMTP_CHECK,
    repeated(
      {
        ...connecting,
        helo_name: setting(word('<name>'), 'Name sent in HELO.'),
        host: section(connecting, 'Deprecated: address and port to connect to.'),
      } as const,
      'Checks that a mail server opens and closes an SMTP session.',
    ),
  ),
  DNS_CHECK: later(
    DNS_CHECK,
    repeated(
      {
        ...connecting,
        type: setting(
          choice('SOA', 'A', 'NS', 'CNAME', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'),
          'Record type of the query.',
          'SOA',
        ),
        name: setting(word('<domain>'), 'Name of the query.', '.'),
      } as const,
      'Checks that a name server answers a query.',
    ),
  ),
  MISC_CHECK: later(
    MISC_CHECK,
    repeated(
      {
        ...common,
        misc_path: setting(script, 'Script to run; exit status 0 means up.'),
        misc_timeout: setting(inSeconds(0.000001, 4294), 'Time limit of the script, in seconds; default `delay_loop`.'),
        misc_dynamic: setting(truthOrNothing, 'Exit status N from 2 to 255 means up, and sets the weight to N - 2.'),
        user: setting(user, 'User and group that run the script.'),
      } as const,
      'Checks that a script succeeds.',
    ),
  ),
  FILE_CHECK: later(
    FILE_CHECK,
    repeated(
      {
        track_file: setting(word('<track_file>'), 'Name of the `track_file`.'),
        weight: setting(trackWeight(2 ** 31 - 1), 'Factor for the number in the file.'),
      } as const,
      'Changes the weight by the number in a file.',
    ),
  ),
  BFD_CHECK: later(
    BFD,
    repeated(
      {
        name: setting(word('<bfd_instance>'), 'Name of the `bfd_instance`.'),
        alpha: setting(truthOrNothing, 'The real server is down until the session is up.'),
      } as const,
      'Checks that a BFD session is up.',
    ),
  ),
} as const satisfies Entries
