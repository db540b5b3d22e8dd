import { blink, config, type Sequence, set } from './sequence.ts'

/** A checker block. What fails here fails at once: the time limit is for emulated processors, on which a request may take seconds. */
const check = (type: string, lines = '') => `${type} {
  connect_timeout 5
  delay_before_retry 1
  ${lines}
}`
const TCP = (retry = 0, more = '') => check('TCP_CHECK', `retry ${retry}\n${more}`)
const HTTP = (retry = 0, url = 'path /\nstatus_code 200') => check('HTTP_GET', `retry ${retry}\nurl {\n${url}\n}`)
const MISC = (which: number, more = '') => `MISC_CHECK {
  misc_path "@script${which}"
  misc_timeout 5
  retry 0
  ${more}
}`
const UDP = (more: string) => check('UDP_CHECK', `connect_port 53\nretry 0\n${more}`)

const real = (which: number, checks: string, more = 'weight 2') => `real_server @${which} 80 {
${more}
${checks}
}
`
const virtual = (servers: string, more = '', id = '@vip 80') => `virtual_server ${id} {
delay_loop 1
lb_algo rr
lb_kind NAT
protocol TCP
warmup 0
${more}
${servers}}
`
const three = (checks: string, more?: string) => [1, 2, 3].map((which) => real(which, checks, more)).join('')
const SORRY = 'sorry_server @4 80'

const RETRIES: readonly Sequence[] = [0, 1, 3].flatMap((retry) =>
  ['', 'inhibit_on_failure'].map((inhibit): Sequence => ({
    name: `TCP_CHECK with retry ${retry} ${inhibit}: down, up, down`,
    config: virtual(real(1, TCP(retry)) + real(2, TCP(retry)), inhibit),
    steps: [set(1, 'down'), set(1, 'up'), set(2, 'down'), set(1, 'down'), set(2, 'up')],
  })),
)

const BLINKS: readonly Sequence[] = [
  {
    name: 'a blink that retries outlast',
    config: virtual(real(1, TCP(6)) + real(2, TCP())),
    steps: [undefined, blink(1, 2)],
  },
  {
    name: 'a blink that is longer than the retries',
    config: virtual(real(1, TCP(1)) + real(2, TCP())),
    steps: [undefined, blink(1, 6)],
  },
]

const FIRST_ROUND: readonly Sequence[] = ['', 'alpha'].flatMap((alpha) => [
  {
    name: `down at the start ${alpha}, with retries`,
    config: virtual(real(1, TCP(3)) + real(2, TCP(3)), alpha),
    start: { 1: 'down' },
    steps: [set(1, 'up'), set(2, 'down')],
  },
  {
    name: `all down at the start ${alpha}, with a sorry server`,
    config: virtual(three(TCP(1)), `${alpha}\n${SORRY}`),
    start: { 1: 'down', 2: 'down', 3: 'down' },
    steps: [set(2, 'up'), set(2, 'down')],
  },
  {
    name: `up at the start ${alpha}`,
    config: virtual(real(1, TCP()) + real(2, TCP()), alpha),
    steps: [set(1, 'down'), set(1, 'up')],
  },
])

const ALPHAS: readonly Sequence[] = [
  {
    name: 'alpha of one real server',
    config: virtual(real(1, TCP(1), 'alpha') + real(2, TCP())),
    start: { 1: 'down' },
    steps: [set(1, 'up')],
  },
  {
    name: 'alpha of one checker',
    config: virtual(real(1, TCP(1, 'alpha')) + real(2, TCP())),
    start: { 1: 'down' },
    steps: [set(1, 'up')],
  },
]

const QUORUMS: readonly Sequence[] = [1, 3, 4].flatMap((quorum) =>
  [0, 1].flatMap((hysteresis) =>
    ['', SORRY, `${SORRY}\nsorry_server_inhibit`].map((sorry): Sequence => ({
      name: `quorum ${quorum}, hysteresis ${hysteresis} ${sorry.replace('\n', ', ')}`,
      config: virtual(three(TCP()), `quorum ${quorum}\nhysteresis ${hysteresis}\n${sorry}`),
      steps: [set(1, 'down'), set(2, 'down'), set(3, 'down'), set(2, 'up'), set(1, 'up'), set(3, 'up')],
    })),
  ),
)

const INHIBITED: readonly Sequence[] = [
  {
    name: 'inhibit_on_failure with a sorry server',
    config: virtual(real(1, TCP()) + real(2, TCP()), `inhibit_on_failure\n${SORRY}`),
    steps: [set(1, 'down'), set(2, 'down'), set(1, 'up'), set(2, 'up')],
  },
  {
    name: 'inhibit_on_failure of one real server',
    config: virtual(real(1, TCP(), 'inhibit_on_failure') + real(2, TCP())),
    steps: [set(1, 'down'), set(2, 'down'), set(1, 'up'), set(2, 'up')],
  },
]

const WEBS: readonly Sequence[] = [
  {
    name: 'HTTP_GET: 503 and back',
    config: virtual(real(1, HTTP()) + real(2, HTTP())),
    steps: [set(1, 503), set(1, 'up'), set(2, 'down')],
  },
  {
    name: 'HTTP_GET with a range of status codes',
    config: virtual(real(1, HTTP(0, 'path /\nstatus_code 200-299 404')) + real(2, HTTP())),
    steps: [set(1, 404), set(1, 403), set(1, 204)],
  },
  {
    name: 'HTTP_GET with a digest that is right',
    config: virtual(real(1, HTTP(0, 'path /\ndigest d7f986677d9f563bd1794b09d82206a3')) + real(2, TCP())),
    steps: [undefined, set(1, 'down')],
  },
  {
    name: 'HTTP_GET with a digest that is wrong',
    config: virtual(real(1, HTTP(0, 'path /\ndigest 00000000000000000000000000000000')) + real(2, TCP())),
    steps: [undefined],
  },
  {
    name: 'HTTP_GET with a regular expression',
    config: virtual(
      real(1, HTTP(0, 'path /\nregex ^go+d$\nregex_options multiline')) + real(2, HTTP(0, 'path /\nregex bad')),
    ),
    steps: [undefined, set(1, 'down')],
  },
]

const SEVERAL: readonly Sequence[] = [
  {
    name: 'TCP_CHECK and HTTP_GET of one server',
    config: virtual(real(1, `${TCP()}\n${HTTP()}`) + real(2, TCP())),
    steps: [set(1, 503), set(1, 'down'), set(1, 503), set(1, 'up')],
  },
  {
    name: 'two TCP_CHECKs of one server, one to another port',
    config: virtual(real(1, `${TCP()}\n${TCP(0, 'connect_port 81')}`) + real(2, TCP())),
    steps: [undefined, set(2, 'down')],
  },
  {
    name: 'TCP_CHECK of another address',
    config: virtual(real(1, TCP(0, 'connect_ip @3')) + real(2, TCP())),
    steps: [set(3, 'down'), set(1, 'down'), set(3, 'up')],
  },
]

const SCRIPTS: readonly Sequence[] = [
  {
    name: 'MISC_CHECK',
    config: virtual(real(1, MISC(1)) + real(2, TCP())),
    steps: [set(1, 1), set(1, 0), set(1, 7), set(1, 0)],
  },
  {
    name: 'MISC_CHECK, misc_dynamic',
    config: virtual(real(1, MISC(1, 'misc_dynamic')) + real(2, TCP())),
    steps: [set(1, 7), set(1, 2), set(1, 255), set(1, 1), set(1, 5), set(1, 0)],
  },
  {
    name: 'two checkers with misc_dynamic',
    config: virtual(real(1, `${MISC(1, 'misc_dynamic')}\n${MISC(3, 'misc_dynamic')}`, 'weight 5') + real(2, TCP())),
    steps: [set(1, 9), set(3, 4), set(1, 0), set(3, 0)],
  },
]

const DATAGRAMS: readonly Sequence[] = [
  { name: 'UDP_CHECK', config: virtual(real(1, UDP('')) + real(2, TCP())), steps: [set(1, 'down'), set(1, 'up')] },
  {
    name: 'UDP_CHECK, require_reply',
    config: virtual(real(1, UDP('payload 0102\nrequire_reply')) + real(2, TCP())),
    steps: [set(1, 'down'), set(1, 'up')],
  },
  {
    name: 'UDP_CHECK, a reply that is another one',
    config: virtual(real(1, UDP('payload 0102\nrequire_reply 0203')) + real(2, TCP())),
    steps: [undefined],
  },
]

const RELOADS: readonly Sequence[] = (
  [
    ['another weight', virtual(real(1, TCP()) + real(2, TCP(), 'weight 7')), undefined],
    ['a server goes', virtual(real(2, TCP())), undefined],
    ['a server comes', virtual(three(TCP())), undefined],
    ['another scheduler', virtual(real(1, TCP()) + real(2, TCP())).replace('lb_algo rr', 'lb_algo wlc'), undefined],
    ['more retries', virtual(real(1, TCP(2)) + real(2, TCP(2))), undefined],
    ['a sorry server, while the server that is left is up', virtual(real(1, TCP()) + real(2, TCP()), SORRY), undefined],
    [
      'inhibit_on_failure, while a server is down',
      virtual(real(1, TCP()) + real(2, TCP()), 'inhibit_on_failure'),
      'down',
    ],
    ['nothing, while a server is down', virtual(real(1, TCP()) + real(2, TCP())), 'down'],
    ['another check, while a server is down', virtual(real(1, HTTP()) + real(2, TCP())), 'down'],
    ['another weight, while the server is down', virtual(real(1, TCP(), 'weight 7') + real(2, TCP())), 'down'],
    [
      'a quorum that is not reached, while a server is down',
      virtual(real(1, TCP()) + real(2, TCP()), `quorum 4\n${SORRY}`),
      'down',
    ],
  ] as const
).map(([name, text, state]): Sequence => ({
  name: `a reload brings ${name}`,
  config: virtual(real(1, TCP()) + real(2, TCP())),
  steps: [state && set(1, state), undefined, config(text), set(1, 'up'), set(2, 'down')],
}))

const GROUPS: readonly Sequence[] = [
  {
    name: 'a group of two addresses',
    config: `virtual_server_group @group {\n@vip 80\n@vip2 80\n}\n${virtual(real(1, TCP()) + real(2, TCP()), '', 'group @group')}`,
    steps: [set(1, 'down'), set(2, 'down'), set(1, 'up')],
  },
  {
    name: 'a group with a sorry server',
    config: `virtual_server_group @group {\n@vip 80\n@vip2 80\n}\n${virtual(real(1, TCP()) + real(2, TCP()), SORRY, 'group @group')}`,
    steps: [set(1, 'down'), set(2, 'down'), set(1, 'up')],
  },
]

const OTHERS: readonly Sequence[] = [
  {
    name: 'weight 0 from the start',
    config: virtual(real(1, TCP(), 'weight 0') + real(2, TCP())),
    steps: [set(2, 'down'), set(1, 'down'), set(1, 'up')],
  },
  {
    name: 'weight 0 of all, with a sorry server',
    config: virtual(real(1, TCP(), 'weight 0') + real(2, TCP(), 'weight 0'), SORRY),
    steps: [set(1, 'down')],
  },
  {
    name: 'a server without a checker',
    config: virtual(real(1, '') + real(2, TCP())),
    steps: [set(1, 'down'), set(2, 'down')],
  },
  {
    name: 'delay_loop of a checker',
    config: virtual(real(1, TCP(0, 'delay_loop 3')) + real(2, TCP())),
    steps: [set(1, 'down'), set(1, 'up')],
  },
  {
    name: 'another method for the sorry server',
    config: virtual(real(1, TCP()), `${SORRY}\nsorry_server_lvs_method DR`),
    steps: [set(1, 'down'), set(1, 'up')],
  },
  {
    name: 'thresholds',
    config: virtual(real(1, TCP(), 'uthreshold 10\nlthreshold 5') + real(2, TCP())),
    steps: [set(1, 'down'), set(1, 'up')],
  },
  {
    name: 'persistence',
    config: virtual(real(1, TCP()) + real(2, TCP()), 'persistence_timeout 60'),
    steps: [set(1, 'down')],
  },
]

export const SEQUENCES: readonly Sequence[] = [
  ...RETRIES,
  ...BLINKS,
  ...FIRST_ROUND,
  ...ALPHAS,
  ...QUORUMS,
  ...INHIBITED,
  ...WEBS,
  ...SEVERAL,
  ...SCRIPTS,
  ...DATAGRAMS,
  ...RELOADS,
  ...GROUPS,
  ...OTHERS,
]
