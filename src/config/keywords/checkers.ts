import { seconds } from '../../time.ts'
import type { Entries } from '../schema/entry.ts'
import { alias, flag, inert, inherited, repeated, setting } from '../schema/kinds.ts'
import { escapedText } from '../schema/escaped-text.ts'
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
import { ownUrlEntries } from './http-request.ts'
import { ALL_URLS, NO_JIT } from './reasons.ts'

/** Longest time of a checker: 2^32 microseconds. */
const LONGEST = 4294
const time = inSeconds(0, LONGEST)
const timeout = inSeconds(0.000001, LONGEST)
const rounds = integer(1, 1000)
const attempts = integer(0, 2 ** 32 - 1)

const help = {
  delay_loop: 'Interval between two checks, in seconds.',
  retry: 'Number of retries after a failure before a server counts as down.',
  delay_before_retry: 'Delay between a failure and the retry, in seconds.',
  warmup: 'The first check starts after a random delay of at most this, in seconds.',
  rise: "Default of the checkers' `rise` (a keyword of Tanist's own).",
  fall: "Default of the checkers' `fall` (a keyword of Tanist's own).",
  fast_interval: "Default of the checkers' `fast_interval` (a keyword of Tanist's own).",
  connect_timeout: 'Time limit of a whole check, not only of its connection, in seconds.',
} as const

/** The timing keywords of a virtual server; those of its real servers and their checkers come from here. */
export const virtualServerSchedule = {
  delay_loop: setting(timeout, help.delay_loop, seconds(60)),
  connect_timeout: setting(timeout, help.connect_timeout, seconds(5)),
  retry: setting(attempts, help.retry),
  delay_before_retry: setting(time, help.delay_before_retry),
  warmup: setting(time, help.warmup),
  rise: setting(rounds, help.rise),
  fall: setting(rounds, help.fall),
  fast_interval: setting(timeout, help.fast_interval),
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
  retry: inherited(
    attempts,
    help.retry,
    'that of the servers; else 1, 3 for DNS_CHECK, 0 for MISC_CHECK and AGENT_CHECK',
  ),
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
  rise: setting(
    rounds,
    "Good rounds in a row that bring the server up (a keyword of Tanist's own); 1 if not set anywhere.",
  ),
  fall: setting(
    rounds,
    "Bad rounds in a row, with their retries, that take the server down (a keyword of Tanist's own); 1 if not set anywhere.",
  ),
  fast_interval: setting(
    timeout,
    "Interval between two checks while the server is on its way up or down, in seconds (a keyword of Tanist's own); default: `delay_loop`.",
  ),
  alpha: setting(truthOrNothing, 'The real server is down until the first check succeeds.'),
  log_all_failures: setting(truthOrNothing, 'Logs every failed check, not only changes of state.'),
} as const

/** What checkers have that connect. */
const connecting = {
  connect_ip: setting(unicastAddress, 'Address to check; default: that of the real server.'),
  connect_port: setting(port, 'Port to check; default: that of the real server.'),
  bindto: setting(unicastAddress, 'Source address of the check.'),
  bind_port: setting(port, 'Source port of the check; its TCP connections end by a reset.'),
  bind_if: setting(interfaceName, 'Interface that the check leaves by.'),
  connect_timeout: inherited(timeout, help.connect_timeout, 'that of the real server'),
  fwmark: setting(integer(0, 2 ** 32 - 1), 'Firewall mark of the packets of the check.'),
  ...common,
} as const

/** What checkers have that ask what clients do. */
const asClients = {
  ...connecting,
  through_service: setting(
    truthOrNothing,
    "Asks the virtual address, by the core's way to this real server, as a client would (a keyword of Tanist's own).",
  ),
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

/** Whose length fits into one byte of a request. */
const grpcService = one({
  text: '<service>',
  expected: 'the name of a service, at most 127 bytes',
  read: (text) => (text !== '' && Buffer.byteLength(text) <= 127 ? text : undefined),
})

/** A name that fits into a message (RFC 1035 §2.3.4): labels of 1 to 63 bytes, 255 bytes with the lengths of all. */
const domainName = one({
  text: '<domain>',
  expected: 'a domain name: labels of at most 63 bytes, 253 in all',
  read(text) {
    const name = text.replace(/\.$/, '')
    const lengths = name.split('.').map((label) => Buffer.byteLength(label))
    return text === '.' || (lengths.every((n) => n >= 1 && n <= 63) && Buffer.byteLength(name) <= 253)
      ? text
      : undefined
  },
})

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
  ...ownUrlEntries,
  path: setting(word('<path>'), 'Path with query.', '/'),
  digest: setting(md5, 'MD5 of the body, as genhash prints it.'),
  status_code: setting(statusCodes, 'Accepted status codes and ranges.', [[200, 299]]),
  virtualhost: setting(word('<host>'), 'Host header; default: that of the checker.'),
  regex: setting(path, 'The body must match this regular expression (PCRE2).'),
  regex_no_match: flag('The body must not match.'),
  regex_options: setting(many(choice(...REGEX_OPTIONS)), 'Options of the regular expression.'),
  regex_min_offset: setting(integer(0, 2 ** 31 - 1), 'First offset in the body at which the match may begin.'),
  regex_max_offset: setting(integer(0, 2 ** 31 - 1), 'Last offset in the body at which the match may begin.'),
  regex_stack: inert(
    NO_JIT,
    setting(many(integer(1, 2 ** 31 - 1)), 'Initial and largest size of the JIT stack of PCRE2, in bytes.'),
  ),
  tls_compliant: setting(truthOrNothing, 'Shuts TLS connections down as the standard requires.'),
} as const

const retry = connecting.retry

function webEntries<U extends Entries>(url: U) {
  return {
    ...asClients,
    nb_get_retry: alias('retry', retry),
    virtualhost: setting(word('<host>'), 'Host header of its URLs; default: that of the real server.'),
    http_protocol: setting(
      choice('1.0', '1.0C', '1.1', '2', '1.0c'),
      'Version of HTTP; 1.0C says `Connection: close`, as 1.1 does; 2 is for SSL_GET.',
      '1.0',
    ),
    enable_sni: setting(truthOrNothing, 'Sends Server Name Indication (SNI) in TLS.'),
    sni_name: setting(word('<name>'), 'Host name for Server Name Indication (SNI); default: the virtual host.'),
    fast_recovery: inert(
      ALL_URLS,
      setting(truthOrNothing, 'Checks all URLs without delay at the start and when the server recovers.'),
    ),
    tls_compliant: setting(truthOrNothing, 'Shuts TLS connections down as the standard requires.'),
    url: repeated(url, 'A URL to request.'),
  } as const
}

const { tls_compliant: _ofUrl, ...httpUrl } = urlEntries
const { tls_compliant: _ofChecker, ...httpGet } = webEntries(httpUrl)
const sslGet = {
  ...webEntries(urlEntries),
  verify: setting(
    truthOrNothing,
    'The certificate must be good, and be for the name of SNI, else the virtual host, else the address.',
  ),
  expiry_warning: setting(integer(1, 3650), 'The log warns when the certificate ends within so many days.'),
  expires_within: setting(integer(1, 3650), 'Fails when the certificate ends within so many days.'),
} as const

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

/** What is said to an agent. */
const agentText: Syntax<string> = { ...path, text: '<text>' }

/** The checker blocks of a real server. */
export const checkers = {
  PING_CHECK: repeated(connecting, 'Checks that the server answers an ICMP echo request.'),
  TCP_CHECK: repeated(
    {
      ...asClients,
      protocol: setting(
        choice('redis', 'mysql', 'postgresql', 'amqp', 'ldap', 'grpc'),
        "What the server must speak (a keyword of Tanist's own); default: a connection that is accepted is enough.",
      ),
      user: setting(
        word('<name>'),
        "As whom a mysql or postgresql is asked, without a password (a keyword of Tanist's own); default tanist, whom it need not know.",
      ),
      service: setting(
        grpcService,
        "Service whose health a grpc server is asked for (a keyword of Tanist's own); default: that of the server as a whole.",
      ),
      send: setting(escapedText, "What to send (a keyword of Tanist's own)."),
      send_hex: setting(hexBytes(false), "The same in hexadecimal (a keyword of Tanist's own)."),
      expect: setting(
        escapedText,
        "What the server must say, anywhere in its first 16 KB (a keyword of Tanist's own); default: nothing.",
      ),
      expect_hex: setting(hexBytes(false), "The same in hexadecimal (a keyword of Tanist's own)."),
    } as const,
    'Checks that the server accepts a TCP connection.',
  ),
  UDP_CHECK: repeated(
    {
      ...asClients,
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
  SSL_GET: repeated(sslGet, 'HTTP_GET over TLS.'),
  SMTP_CHECK: repeated(
    {
      ...asClients,
      helo_name: setting(
        word('<name>'),
        'Name sent in HELO; default: the address that the connection comes from, in brackets.',
      ),
      starttls: flag("The server must offer STARTTLS and speak TLS (a keyword of Tanist's own)."),
      host: repeated(
        connecting,
        'Deprecated: another host to check in place of the server; what it does not say is as in the checker.',
      ),
    } as const,
    'Checks that a mail server opens and closes an SMTP session.',
  ),
  DNS_CHECK: repeated(
    {
      ...asClients,
      type: setting(
        choice('SOA', 'A', 'NS', 'CNAME', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'),
        'Record type of the query.',
        'SOA',
      ),
      name: setting(domainName, 'Name of the query.', '.'),
      answer: setting(
        word('<address or text>'),
        "An answer of that type must be this address, name or text (a keyword of Tanist's own); default: any answer, also none.",
      ),
    } as const,
    'Checks that a name server answers a query by UDP, without an error code.',
  ),
  MISC_CHECK: repeated(
    {
      ...common,
      misc_path: setting(script, 'Script to run; exit status 0 means up.'),
      misc_timeout: setting(inSeconds(0.000001, 4294), 'Time limit of the script, in seconds; default `delay_loop`.'),
      misc_dynamic: setting(truthOrNothing, 'Exit status N from 2 to 255 means up, and sets the weight to N - 2.'),
      user: setting(user, 'User and group that run the script.'),
    } as const,
    'Checks that a script succeeds.',
  ),
  FILE_CHECK: repeated(
    {
      track_file: setting(word('<track_file>'), 'Name of the `track_file`.'),
      weight: setting(
        trackWeight(2 ** 31 - 1),
        'Factor for the number in the file; default: that of the `track_file`. With 0 any number but 0 means down.',
      ),
    } as const,
    'Changes the weight by the number in a file.',
  ),
  BFD_CHECK: repeated(
    {
      name: setting(word('<bfd_instance>'), 'Name of the `bfd_instance`.'),
      alpha: setting(truthOrNothing, 'The real server is down until the session is up.'),
    } as const,
    'Checks that a BFD session is up.',
  ),
  AGENT_CHECK: repeated(
    {
      ...connecting,
      agent_send: setting(agentText, 'Sent to the agent first, with the escapes of a quoted string.'),
    } as const,
    "Asks an agent, in HAProxy's text format, how its server is and which part of its weight it wants.",
  ),
} as const satisfies Entries
