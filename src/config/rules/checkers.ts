import { clientCheckers, networkCheckers } from '../checkers-of.ts'
import { servicesOf, virtualEndpointOf } from '../compile/services.ts'
import { isPathMark } from '../../model/service-path.ts'
import { isIpv4 } from '../../net/address.ts'
import type { Report } from '../diagnostic.ts'
import type { Settings } from '../keywords/root.ts'
import type { Surroundings } from '../preprocess/preprocess.ts'
import type { Places } from '../schema/entry.ts'
import type { Rule } from './rule.ts'

/** As in keepalived, a source of the other family is none. A link-local one is only known on one link. */
const sourcesReachTheirTargets: Rule = (settings, places, report) => {
  const reals = settings.virtual_server.flatMap((server) => {
    const virtual = virtualEndpointOf(servicesOf(server, settings))
    return server.real_server.map((real) => ({ real, virtual }))
  })
  for (const { real, virtual } of reals) {
    for (const check of [...networkCheckers(real), ...real.AGENT_CHECK]) {
      const { bindto, bind_if: name } = check
      if (bindto === undefined) continue
      const through = 'through_service' in check && check.through_service === true
      const target = check.connect_ip ?? (through ? virtual?.address : real.id.address)
      if (target === undefined) continue
      if (isIpv4(bindto) !== isIpv4(target))
        report('ignored-value', places.of(check, 'bindto'), `it has no effect: ${target} is of the other family`)
      else if (/^fe[89ab]/i.test(bindto) && name === undefined)
        report('missing-keyword', places.of(check, 'bindto'), 'a link-local source needs `bind_if`')
    }
  }
}

/** A check that goes the way of clients needs a virtual address, and the core's own mark. */
const waysOfClients: Rule = (settings, places, report) => {
  const only = settings.global_defs?.forward_interfaces ?? []
  const lacksLoopback = only.length > 0 && !only.some(({ name }) => name === 'lo')
  for (const server of settings.virtual_server) {
    const virtual = virtualEndpointOf(servicesOf(server, settings))
    for (const check of server.real_server.flatMap(clientCheckers)) {
      if (check.through_service !== true) continue
      const at = places.of(check, 'through_service')
      if (virtual === undefined && check.connect_ip === undefined)
        report('missing-keyword', at, 'a virtual server by marks has no address to ask: say one by `connect_ip`')
      if (lacksLoopback)
        report('bad-value', at, 'its answers come by the loopback interface: name `lo` among `forward_interfaces`, too')
      if (check.fwmark !== undefined && check.fwmark !== 0)
        report('bad-value', places.of(check, 'fwmark'), '`through_service` has marks of its own')
      if (check.bind_if !== undefined)
        report(
          'bad-value',
          places.of(check, 'bind_if'),
          '`through_service` goes by the way of clients, not by an interface',
        )
    }
  }
}

/** A service or check of somebody else's with a mark of these would be taken for one of them. */
const marksOfWays: Rule = (settings, places, report) => {
  const marks = [
    ...settings.virtual_server.map((server) => ({
      mark: server.id.by === 'fwmark' ? server.id.fwmark : 0,
      of: server,
    })),
    ...settings.virtual_server_group.flatMap(({ lines }) =>
      lines.map((line) => ({ mark: line.by === 'fwmark' ? line.fwmark : 0, of: line })),
    ),
  ]
  for (const { mark, of } of marks) {
    if (isPathMark(mark)) report('bad-value', places.of(of), WAY_MARKS)
  }
  for (const real of settings.virtual_server.flatMap(({ real_server: servers }) => servers)) {
    for (const check of [...networkCheckers(real), ...real.AGENT_CHECK]) {
      if (isPathMark(check.fwmark ?? 0)) report('bad-value', places.of(check, 'fwmark'), WAY_MARKS)
    }
  }
}

const WAY_MARKS = 'marks from 396361728 (0x17a00000) to 397410303 are those of `through_service`'

const webChecks = (settings: Settings) =>
  settings.virtual_server
    .flatMap(({ real_server: servers }) => servers)
    .flatMap((real) => [...real.HTTP_GET, ...real.SSL_GET])

/** HTTP/2 is agreed on in TLS; what says how to match needs something to match. */
const requestsMakeSense: Rule = (settings, places, report) => {
  for (const check of settings.virtual_server.flatMap(({ real_server: all }) => all).flatMap((real) => real.HTTP_GET)) {
    if (check.http_protocol === '2') report('bad-value', places.of(check, 'http_protocol'), 'HTTP/2 is for SSL_GET')
  }
  for (const url of webChecks(settings).flatMap((check): readonly WebUrl[] => check.url)) {
    const { method = 'GET', request_body: body, regex, digest, contains, json } = url
    const details = ['regex_no_match', 'regex_options', 'regex_min_offset', 'regex_max_offset'] as const
    for (const keyword of regex === undefined ? details : []) {
      const at = places.said(url, keyword)
      if (at !== undefined) report('ignored-value', at, `it has no effect without \`regex\``)
    }
    if (method === 'GET' && body !== undefined)
      report('bad-value', places.of(url, 'request_body'), 'a GET has no body: say another `method`')
    const looksAtBody = [regex, digest].some((said) => said !== undefined) || contains.length > 0 || json.length > 0
    if (method === 'HEAD' && looksAtBody)
      report('bad-value', places.of(url, 'method'), 'the answer to HEAD has no body')
  }
}

type WebUrl = ReturnType<typeof webChecks>[number]['url'][number]

/** Patterns that PCRE2 does not take, for whoever can ask it. */
export function reportRegexes(settings: Settings, places: Places, report: Report, { regexFault }: Surroundings): void {
  for (const url of webChecks(settings).flatMap((check): readonly WebUrl[] => check.url)) {
    const fault = url.regex === undefined ? undefined : regexFault?.(url.regex, url.regex_options ?? [])
    if (fault !== undefined) report('bad-value', places.of(url, 'regex'), `this regular expression is wrong ${fault}`)
  }
}

export const checkerRules: readonly Rule[] = [sourcesReachTheirTargets, waysOfClients, marksOfWays, requestsMakeSense]
