import type {
  BodyTest,
  CheckSchedule,
  HttpCheck,
  HttpProtocol,
  HttpRequest,
  HttpUrl,
  TlsClientFiles,
} from '../../../model/check.ts'
import { parseAddress } from '../../../net/address.ts'
import type { RealServerSettings, Settings } from '../../keywords/root.ts'

type HttpGet = RealServerSettings['HTTP_GET'][number]
type SslGet = RealServerSettings['SSL_GET'][number]
type Url = (HttpGet | SslGet)['url'][number]

export const httpGet = (check: HttpGet, schedule: CheckSchedule): HttpCheck => ({
  ...schedule,
  type: 'HTTP_GET',
  protocol: protocolOf(check),
  urls: check.url.map((url) => urlOf(url)),
})

/** `tls_compliant` of one URL is for all: there is one way to end a connection of this checker. */
export const sslGet = (check: SslGet, schedule: CheckSchedule): HttpCheck => ({
  ...schedule,
  type: 'SSL_GET',
  protocol: protocolOf(check),
  urls: check.url.map((url) => ({ ...urlOf(url), ...serverNameOf(check, url) })),
  tls: {
    verify: check.verify ?? false,
    compliant: check.tls_compliant ?? check.url.some(({ tls_compliant: compliant }) => compliant === true),
    ...(check.expiry_warning === undefined ? {} : { warnWithinDays: check.expiry_warning }),
    ...(check.expires_within === undefined ? {} : { expiresWithinDays: check.expires_within }),
  },
})

/** keepalived takes a small letter, too. */
function protocolOf({ http_protocol: said }: HttpGet | SslGet): HttpProtocol {
  switch (said) {
    case '1.0':
    case '1.0C':
    case '1.1':
    case '2':
      return said
    case '1.0c':
      return '1.0C'
  }
}

/** A name for SNI: an address is none (RFC 6066 §3), and a port is no part of it. */
function serverNameOf(check: SslGet, { virtualhost }: Url): Pick<HttpUrl, 'serverName'> {
  const name = check.sni_name ?? virtualhost?.replace(/:\d+$/, '')
  if (check.enable_sni !== true || name === undefined || parseAddress(name.replace(/^\[|\]$/g, '')) !== undefined)
    return {}
  return { serverName: name }
}

function urlOf(url: Url): HttpUrl {
  const { path, status_code: statusCodes, virtualhost, follow_redirects: redirects = 0, body_limit: bodyLimit } = url
  const body = bodyTestOf(url)
  return {
    path,
    statusCodes,
    virtualhost,
    ...(body === undefined ? {} : { body }),
    ...requestOf(url),
    ...(redirects === undefined || redirects === 0 ? {} : { redirects }),
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
  }
}

function bodyTestOf(url: Url): BodyTest | undefined {
  const { digest, regex, contains, json } = url
  const test: BodyTest = {
    ...(digest === undefined ? {} : { digest }),
    ...(regex === undefined
      ? {}
      : {
          regex: {
            pattern: regex,
            options: url.regex_options ?? [],
            forbidden: url.regex_no_match,
            minOffset: url.regex_min_offset ?? 0,
            maxOffset: url.regex_max_offset,
          },
        }),
    ...(contains.length === 0 ? {} : { contains: contains.map(({ text }) => text) }),
    ...(json.length === 0 ? {} : { json }),
  }
  return Object.keys(test).length === 0 ? undefined : test
}

function requestOf({ method = 'GET', header, request_body: body }: Url): { readonly request?: HttpRequest } {
  if (method === 'GET' && header.length === 0 && body === undefined) return {}
  return { request: { method, headers: header.map(({ name, value }) => ({ name, value: value.reveal() })), body } }
}

/** The SSL block. */
export function tlsClientOf({ SSL: block }: Settings): { readonly tlsClient?: TlsClientFiles } {
  if (block === undefined) return {}
  const { ca, certificate, key, password } = block
  return {
    tlsClient: {
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
      ...(password === undefined ? {} : { password: password.reveal() }),
    },
  }
}
