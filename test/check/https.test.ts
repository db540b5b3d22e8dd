import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import { watched } from '../../src/check/steps.ts'
import { useTlsClient } from '../../src/check/tls-client.ts'
import { readTlsClient } from '../../src/host/tls-client.ts'
import type { HttpCheck, HttpUrl, TlsOptions } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { until } from '../support/lab.ts'
import { found, httpGet, portOf, SHORT_MS, sslGet, verdict } from './web-checks.ts'

/** nginx with certificates as they come and as they should not, of an authority of our own. */
const folder = mkdtempSync(join(tmpdir(), 'tanist-https-'))
const file = (name: string) => join(folder, name)
const text = (name: string) => readFileSync(file(name), 'utf8')
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe', cwd: folder })

/** A certificate for www.example; the CA signs it unless it is to sign itself. */
function certificate(name: string, { days = 90, common = 'www.example', signed = true } = {}): void {
  const dates = (at: number) => new Date(Date.now() + at * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${common}`,
  )
  writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${common},IP:127.0.0.1\n`)
  writeFileSync(file('index.txt'), '')
  const by = signed ? ['-cert', 'ca.pem', '-keyfile', 'ca.key'] : ['-selfsign', '-keyfile', `${name}.key`]
  openssl(
    'ca',
    '-batch',
    '-config',
    'ca.conf',
    '-create_serial',
    '-in',
    `${name}.csr`,
    '-out',
    `${name}.pem`,
    '-notext',
    '-startdate',
    dates(-400),
    '-enddate',
    dates(days),
    '-extfile',
    `${name}.ext`,
    ...by,
  )
}

const ports = new Map<string, number>()
const SERVERS: Readonly<Record<string, string>> = {
  good: '',
  soon: '',
  expired: '',
  other: '',
  self: '',
  old: 'ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;',
  clients: 'ssl_client_certificate ca.pem; ssl_verify_client on;',
  h2: '',
}
const certificateOf = (name: string) => (Object.hasOwn({ old: 1, clients: 1, h2: 1 }, name) ? 'good' : name)
let stop = () => {}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

beforeAll(async () => {
  writeFileSync(
    file('ca.conf'),
    `[ca]\ndefault_ca=a\n[a]\nnew_certs_dir=${folder}\ndatabase=${folder}/index.txt\ndefault_md=sha256\npolicy=p\nunique_subject=no\nserial=${folder}/serial\n[p]\ncommonName=supplied\n`,
  )
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=Our own',
    '-days',
    '30',
  )
  certificate('good')
  certificate('soon', { days: 5.5 })
  certificate('expired', { days: -3 })
  certificate('other', { common: 'other.example' })
  certificate('self', { signed: false })
  certificate('client', { common: 'director' })
  openssl('ec', '-in', 'client.key', '-out', 'locked.key', '-aes256', '-passout', 'pass:sesame')
  for (const name of [...Object.keys(SERVERS), 'plain']) ports.set(name, await freePort())
  mkdirSync(file('www'))
  writeFileSync(file('www/index.html'), 'the whole page\n')
  writeFileSync(file('www/health.json'), '{"status":"ok","db":{"up":true,"lag":0.5},"nodes":["a","b"]}')
  const tls = Object.entries(SERVERS).map(
    ([name, more]) =>
      `server { listen 127.0.0.1:${ports.get(name)} ssl${name === 'h2' ? ' http2' : ''}; ssl_certificate ${certificateOf(name)}.pem; ssl_certificate_key ${certificateOf(name)}.key; ${more} ${pages} }`,
  )
  writeFileSync(
    file('nginx.conf'),
    `daemon off; master_process off; pid nginx.pid; error_log /dev/null; events { }
http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
 server { listen 127.0.0.1:${ports.get('plain')}; ${pages} } ${tls.join('\n')} }`,
  )
  const nginx = spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', 'nginx.conf'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  nginx.stderr?.on('data', (data: Buffer) => (said += data.toString()))
  stop = () => nginx.kill()
  await until('nginx to answer', async () => {
    if (nginx.exitCode !== null) throw new Error(said)
    return (await found(httpGet(ports.get('plain') ?? 0))).up === true
  })
})
afterAll(() => {
  stop()
  rmSync(folder, { recursive: true })
})

const pages = `root www; default_type text/plain;
 location /say { return 200 "$request_method $server_protocol $http_connection $ssl_server_name $http_host $http_x_token\\n"; }
 location /post { proxy_pass_request_body on; return 200 "$request_method $content_length\\n"; }
 location /moved { return 302 /say; } location /loop { return 302 /loop; }
 location /away { return 302 http://www.example/say; }`

const ssl = (name: string, tls: Partial<TlsOptions> = {}, url: Partial<HttpUrl> = {}): HttpCheck =>
  ({ ...sslGet(ports.get(name) ?? 0, url), tls: { verify: false, compliant: false, ...tls } }) as HttpCheck
const says = (line: string) => ({ path: '/say', body: { contains: [`${line}\n`] } })

describe('certificates', () => {
  const named = { serverName: 'www.example' }
  test.each<[string, string, Partial<TlsOptions>, Partial<HttpUrl>, boolean, string]>([
    ['good and not verified', 'good', {}, {}, true, 'status 200'],
    ['expired and not verified, as in keepalived', 'expired', {}, {}, true, 'status 200'],
    ['self-signed and not verified', 'self', {}, {}, true, 'status 200'],
    ['good, for the name', 'good', { verify: true }, named, true, 'status 200'],
    ['good, for the virtual host', 'good', { verify: true }, { virtualhost: 'www.example:8443' }, true, 'status 200'],
    ['good, for the address', 'good', { verify: true }, {}, true, 'status 200'],
    ['expired', 'expired', { verify: true }, named, false, 'CERT_HAS_EXPIRED'],
    ['for another name', 'other', { verify: true }, named, false, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['self-signed', 'self', { verify: true }, named, false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['of a protocol that is out of use', 'old', {}, {}, false, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
    ['good for longer', 'good', { expiresWithinDays: 30 }, {}, true, 'status 200'],
  ])('one that is %s', async (_what, server, tls, url, isUp, reason) => {
    useTlsClient({ ca: text('ca.pem') })
    expect(await found(ssl(server, tls, url))).toEqual(verdict(isUp, reason))
  })

  test('one that ends soon fails, where that is asked, and says when', async () => {
    expect(await found(ssl('soon', { expiresWithinDays: 5 }))).toEqual(verdict(true, 'status 200'))
    const soon = await found(ssl('soon', { expiresWithinDays: 6 }))
    expect(soon).toMatchObject({
      up: false,
      reason: expect.stringMatching(/^the certificate expires in 5 days, at \w/),
    })
    expect(await found(ssl('expired', { expiresWithinDays: 6 }))).toMatchObject({
      up: false,
      reason: expect.stringMatching(/^the certificate has expired at /),
    })
  })

  test('who watches sees whose it is and until when, also of one that is refused', async () => {
    const steps = async (check: HttpCheck) =>
      (await watched(async (note) => await probe(check, note))).steps.map(({ what }) => what)
    useTlsClient({ ca: text('ca.pem') })
    const seen = /^TLSv1\.[23], [\w-]+, certificate of www\.example until \w{3} [ \d]\d [\d:]+ \d{4} GMT$/
    expect(await steps(ssl('good', { verify: true }, named))).toEqual([
      'GET /',
      expect.stringMatching(/^connects to /),
      expect.stringMatching(/^connected, from /),
      expect.stringMatching(seen),
      'status 200, content-type text/html, content-length 15',
      'compares the status with 200-299',
    ])
    expect(await steps(ssl('expired', { verify: true }, named))).toContainEqual(expect.stringMatching(seen))
  })

  test('of an authority that nobody has named, and by those of the system', async () => {
    useTlsClient({})
    expect(await found(ssl('good', { verify: true }, named))).toEqual(verdict(false, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'))
  })

  test('of the client, with a password', async () => {
    useTlsClient({})
    expect(await found(ssl('clients'))).toEqual(verdict(false, 'status 400 for /'))
    useTlsClient(readTlsClient({ certificate: file('client.pem'), key: file('locked.key'), password: 'sesame' }))
    expect(await found(ssl('clients'))).toEqual(verdict(true, 'status 200'))
    const wrong = readTlsClient({ certificate: file('client.pem'), key: file('locked.key'), password: 'simsim' })
    expect(wrong.fault).toMatch(/^the SSL block cannot be used: /)
    useTlsClient(wrong)
    expect(await found(ssl('clients'))).toEqual(verdict(undefined, wrong.fault ?? ''))
    expect(readTlsClient({ ca: file('none.pem') }).fault).toMatch(/^ca .*none.pem of the SSL block cannot be used: /)
    useTlsClient({})
  })
})

describe('requests', () => {
  test.each(['1.0', '1.0C', '1.1'] as const)('of HTTP %s', async (protocol) => {
    const line = { '1.0': 'GET HTTP/1.0 ', '1.0C': 'GET HTTP/1.0 close', '1.1': 'GET HTTP/1.1 close' }[protocol]
    for (const check of [
      httpGet(ports.get('plain') ?? 0, says(`${line}  127.0.0.1:${ports.get('plain')} `)),
      ssl('good', {}, says(`${line}  127.0.0.1:${ports.get('good')} `)),
    ])
      expect(await found({ ...check, protocol })).toEqual(verdict(true, 'status 200'))
  })

  test('of HTTP/2, of a server that speaks it and of one that does not', async () => {
    const url = { path: '/say', virtualhost: 'www.example', body: { contains: ['GET HTTP/2.0'] } }
    expect(await found({ ...ssl('h2', {}, url), protocol: '2' })).toEqual(verdict(true, 'status 200'))
    expect(await found({ ...ssl('good', {}, url), protocol: '2' })).toMatchObject({ up: false })
  })

  test('of HTTP/2 that a server never answers end at their deadline', async () => {
    const sockets: Socket[] = []
    const certified = { cert: text('good.pem'), key: text('good.key'), ALPNProtocols: ['h2'] }
    const server = createTlsServer(certified, (socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
    })
    const check = { ...sslGet(await portOf(server)), protocol: '2' as const, timeout: millis(SHORT_MS) }
    const reason = `no answer within ${SHORT_MS / 1000} s`
    expect(await Promise.all([found(check), found(check)])).toEqual([verdict(false, reason), verdict(false, reason)])
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  test('with the name of the server, the virtual host, and nothing without them', async () => {
    const named = {
      ...says('GET HTTP/1.0  www.example web.example '),
      serverName: 'www.example',
      virtualhost: 'web.example',
    }
    expect(await found(ssl('good', {}, named))).toEqual(verdict(true, 'status 200'))
  })

  test('another method, headers and a body', async () => {
    const request = { method: 'POST', headers: [{ name: 'X-Token', value: 'abc' }], body: 'hello' }
    const url = { path: '/post', request, body: { contains: ['POST 5\n'] } }
    expect(await found(httpGet(ports.get('plain') ?? 0, url))).toEqual(verdict(true, 'status 200'))
    const said = {
      path: '/say',
      request: { ...request, method: 'GET', body: undefined },
      body: { contains: [' abc\n'] },
    }
    expect(await found(httpGet(ports.get('plain') ?? 0, said))).toEqual(verdict(true, 'status 200'))
    const head = { request: { method: 'HEAD', headers: [], body: undefined } }
    expect(await found(httpGet(ports.get('plain') ?? 0, head))).toEqual(verdict(true, 'status 200'))
  })

  test.each<[string, number | undefined, boolean, string]>([
    ['/moved', undefined, false, 'status 302 for /moved'],
    ['/moved', 1, true, 'status 200'],
    ['/loop', 3, false, 'status 302 for /loop'],
    ['/away', 1, true, 'status 200'],
  ])('redirects of %s, followed %s times', async (path, redirects, isUp, reason) => {
    const url = { path, ...(redirects === undefined ? {} : { redirects }) }
    expect(await found(httpGet(ports.get('plain') ?? 0, url))).toEqual(verdict(isUp, reason))
  })

  test('a redirect goes to the same server, by the name that it says, and never to another scheme', async () => {
    const url = { path: '/away', redirects: 1, body: { contains: [' www.example \n'] } }
    expect(await found(httpGet(ports.get('plain') ?? 0, url))).toEqual(verdict(true, 'status 200'))
    expect(await found(ssl('good', {}, url))).toEqual(verdict(false, 'redirect to http:, which is not followed'))
  })

  test('JSON of a real server', async () => {
    const json = [{ path: ['db', 'up'], value: undefined }]
    expect(await found(ssl('good', {}, { path: '/health.json', body: { json } }))).toEqual(verdict(true, 'status 200'))
  })
})

/** Types of the records of TLS that a client sends, in the clear up to TLS 1.2 (RFC 5246 §6.2.1). */
function recordTypes(sent: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at + 5 <= sent.length; at += 5 + sent.readUInt16BE(at + 3)) types.push(sent[at] ?? 0)
  return types
}
const ALERT = 21

test('a certificate that ends soon is worth a warning, where that is asked', async () => {
  const warned = { verify: false, compliant: false, warnWithinDays: 6 }
  expect(await probe(ssl('soon', warned))).toMatchObject({
    up: true,
    reason: 'status 200',
    warning: expect.stringMatching(/^the certificate expires in 5 days, at \w/),
  })
  expect(await probe(ssl('good', warned))).not.toHaveProperty('warning')
})

test.each([true, false])('`tls_compliant` says goodbye, and nothing without it: %s', async (compliant) => {
  const options = { key: text('good.key'), cert: text('good.pem'), maxVersion: 'TLSv1.2' as const }
  const server = createTlsServer(options, (socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  })
  const inside = await portOf(server)
  let sent: Buffer | undefined
  const relay = createServer((socket) => {
    const chunks: Buffer[] = []
    socket.on('data', (data: Buffer) => chunks.push(data))
    socket.on('error', () => {})
    socket.on('close', () => (sent = Buffer.concat(chunks)))
    const onward = connect(inside, '127.0.0.1')
    onward.on('error', () => {})
    socket.pipe(onward).pipe(socket)
  })
  const check = ssl('good', { compliant }, { body: { contains: ['ok'] } })
  const target = { ...check.target, port: await portOf(relay) }
  expect(await found({ ...check, target })).toEqual(verdict(true, 'status 200'))
  const seen = await until('the connection to end', () => sent)
  expect(recordTypes(seen).at(-1) === ALERT).toBe(compliant)
  relay.close()
  server.close()
})
