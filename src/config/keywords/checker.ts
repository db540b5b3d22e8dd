import type { Ipv4 } from '../../net/ipv4.ts'
import { type Millis } from '../../time.ts'
import { integer, ipv4, port, time, word } from '../arguments.ts'
import type { HttpUrl } from '../model.ts'
import { block, type Body, type Keyword, keyword } from '../schema.ts'
import type { Span } from '../source.ts'

/** Settings that a checker takes from its real server, and that from its virtual server. */
export interface ScheduleDraft {
  delayLoop?: Millis
  timeout?: Millis
  retry?: number
  delayBeforeRetry?: Millis
  warmup?: Millis
  virtualhost?: string
}

/** What a checker block says. */
export interface CheckDraft extends ScheduleDraft {
  readonly type: 'PING_CHECK' | 'TCP_CHECK' | 'UDP_CHECK' | 'HTTP_GET'
  readonly at: Span
  connectIp?: Ipv4
  connectPort?: number
  payload?: string
  requireReply?: boolean
  readonly urls: UrlDraft[]
}

/** What a `url` block says. */
export interface UrlDraft {
  readonly at: Span
  path?: string
  digest?: string
  virtualhost?: string
  readonly statusCodes: (readonly [number, number])[]
}

/** The timing keywords, which stand in virtual servers, real servers and checkers alike. */
export function schedule<Draft extends ScheduleDraft>(): Keyword<Draft>[] {
  return [
    keyword({
      name: 'delay_loop',
      help: 'Between two checks. Default 60.',
      args: [time(0.1, 86400)],
      set: (draft, [delay]) => (draft.delayLoop = delay),
    }),
    keyword({
      name: 'connect_timeout',
      help: 'Deadline of a whole check, not of its parts. Default 5.',
      args: [time(0.01, 3600)],
      set: (draft, [timeout]) => (draft.timeout = timeout),
    }),
    keyword({
      name: 'retry',
      help: 'Failures that are forgiven before a server counts as down. Default 1.',
      args: [integer(0, 100)],
      set: (draft, [retry]) => (draft.retry = retry),
    }),
    keyword({
      name: 'delay_before_retry',
      help: 'Between a failure and the next try. Default 1; 3 for HTTP_GET.',
      args: [time(0, 3600)],
      set: (draft, [delay]) => (draft.delayBeforeRetry = delay),
    }),
    keyword({
      name: 'warmup',
      help: 'The first check starts within this, at random. Default: delay_loop.',
      args: [time(0, 86400)],
      set: (draft, [warmup]) => (draft.warmup = warmup),
    }),
  ]
}

const common: Keyword<CheckDraft>[] = [
  ...schedule<CheckDraft>(),
  keyword({
    name: 'connect_ip',
    help: 'Address to check; the real server unless given.',
    args: [ipv4],
    set: (draft, [address]) => (draft.connectIp = address),
  }),
]

const connectPort: Keyword<CheckDraft> = keyword({
  name: 'connect_port',
  help: 'Port to check; that of the real server unless given.',
  args: [port],
  set: (draft, [value]) => (draft.connectPort = value),
})

const virtualhost = <Draft extends { virtualhost?: string }>(): Keyword<Draft> =>
  keyword({
    name: 'virtualhost',
    help: 'Host header.',
    args: [word('<host>')],
    set: (draft, [host]) => (draft.virtualhost = host),
  })

/** `status_code CODE|LOW-HIGH …`: any number of arguments, which the general form does not have. */
const statusCode: Keyword<UrlDraft> = {
  name: 'status_code',
  help: 'Accepted status codes and ranges. Default 200-299.',
  repeatable: true,
  apply(draft, statement, report) {
    if (statement.args.length === 0) report('missing-argument', statement.keyword.at, '`status_code` needs a code')
    for (const { text, at } of statement.args) {
      const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text)
      if (match === null) report('bad-value', at, `expected a code or a range from 100 to 599, found \`${text}\``)
      else draft.statusCodes.push([Number(match[1]), Number(match[2] ?? match[1])])
    }
  },
}

const url: Body<UrlDraft> = {
  path: '/virtual_server/real_server/HTTP_GET/url',
  keywords: [
    keyword({
      name: 'path',
      help: 'Path with query.',
      args: [word('<path>')],
      set: (draft, [path]) => (draft.path = path),
    }),
    keyword({
      name: 'digest',
      help: 'MD5 of the body, as genhash prints it.',
      args: [
        {
          syntax: '<32 hexadecimal digits>',
          parse: (text) =>
            /^[0-9a-fA-F]{32}$/.test(text)
              ? { value: text.toLowerCase() }
              : { expected: '32 hexadecimal digits (MD5)' },
        },
      ],
      set: (draft, [digest]) => (draft.digest = digest),
    }),
    statusCode,
    virtualhost(),
  ],
}

/** Name of a checker block, and what may stand in it. */
function checker<Parent extends { readonly checks: CheckDraft[] }>(
  type: CheckDraft['type'],
  help: string,
  keywords: readonly Keyword<CheckDraft>[],
): Keyword<Parent> {
  return block({
    name: type,
    help,
    args: [],
    body: { path: `/virtual_server/real_server/${type}`, keywords: [...common, ...keywords] },
    open: (parent: Parent, _args, at) => {
      const draft: CheckDraft = { type, at, urls: [] }
      parent.checks.push(draft)
      return draft
    },
  })
}

/** The checker blocks of a real server. */
export function checkers<Parent extends { readonly checks: CheckDraft[] }>(): Keyword<Parent>[] {
  return [
    checker('PING_CHECK', 'An ICMP echo is answered.', []),
    checker('TCP_CHECK', 'A TCP connection is accepted.', [connectPort]),
    checker('UDP_CHECK', 'A datagram is answered, or at least not refused.', [
      connectPort,
      keyword({
        name: 'payload',
        help: 'Bytes to send, in hexadecimal.',
        args: [
          {
            syntax: '<hexadecimal>',
            parse: (text) =>
              /^([0-9a-fA-F]{2})+$/.test(text) ? { value: text } : { expected: 'pairs of hexadecimal digits' },
          },
        ],
        set: (draft, [payload]) => (draft.payload = payload),
      }),
      keyword({
        name: 'require_reply',
        help: 'Fail when nothing comes back.',
        args: [],
        set: (draft) => (draft.requireReply = true),
      }),
    ]),
    checker('HTTP_GET', 'A page is served with the right status and, if asked, the right body.', [
      connectPort,
      virtualhost(),
      block({
        name: 'url',
        help: 'One request.',
        args: [],
        body: url,
        open: (draft: CheckDraft, _args, at) => {
          const inner: UrlDraft = { at, statusCodes: [] }
          draft.urls.push(inner)
          return inner
        },
      }),
    ]),
  ]
}

/** The URL with its defaults; `inherited` is the virtual host of the checker or the virtual server. */
export function finishUrl(draft: UrlDraft, inherited: string | undefined): HttpUrl {
  return {
    path: draft.path ?? '/',
    statusCodes: draft.statusCodes.length > 0 ? draft.statusCodes : [[200, 299]],
    digest: draft.digest,
    virtualhost: draft.virtualhost ?? inherited,
  }
}
