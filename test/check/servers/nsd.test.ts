import { afterAll, beforeAll, test } from 'vitest'
import type { Check, DnsQuery } from '../../../src/model/check.ts'
import { expectDown, expectUp, schedule } from '../../support/checks.ts'
import { freePort, RealServers } from '../../support/real-servers.ts'

const servers = new RealServers()
afterAll(() => servers.close())
let port = 0

beforeAll(async () => {
  port = await freePort()
  const folder = servers.folderOf('nsd')
  servers.file(
    'nsd/zone',
    `$ORIGIN lab.example.
$TTL 60
@ SOA ns root 1 60 60 60 60
@ NS ns
@ MX 10 mx
@ TXT "v=spf1" " -all"
ns A 10.0.0.53
www A 10.0.0.1
www A 10.0.0.2
www AAAA 2001:db8::1
alias CNAME www
`,
  )
  const config = servers.file(
    'nsd/nsd.conf',
    `server:
  ip-address: 127.0.0.1@${port}
  username: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/pid"
  database: ""
  xfrdfile: "${folder}/xfrd"
  zonelistfile: "${folder}/zones"
  cookie-secret-file: "${folder}/cookie"
remote-control:
  control-enable: no
zone:
  name: lab.example
  zonefile: zone
`,
  )
  await servers.start(port, '/usr/sbin/nsd', ['-d', '-c', config])
})

const dns = (query: Partial<DnsQuery>): Check => ({
  ...schedule(port),
  type: 'DNS_CHECK',
  query: { name: 'lab.example', type: 'SOA', answer: undefined, ...query },
})

test.each<[DnsQuery['type'], string, string | undefined, string]>([
  ['SOA', 'lab.example.', undefined, 'answers 1'],
  ['A', 'www.lab.example', '10.0.0.2', 'answer 10.0.0.2'],
  ['AAAA', 'www.lab.example', '2001:DB8::0:1', 'answer 2001:DB8::0:1'],
  ['A', 'alias.lab.example', '10.0.0.1', 'answer 10.0.0.1'],
  ['MX', 'lab.example', 'MX.lab.example.', 'answer MX.lab.example.'],
  ['NS', 'lab.example', 'ns.lab.example', 'answer ns.lab.example'],
  ['TXT', 'lab.example', 'v=spf1 -all', 'answer v=spf1 -all'],
  ['SOA', 'lab.example', 'ns.lab.example', 'answer ns.lab.example'],
])('NSD answers %s of %s, and has %s', async (type, name, answer, wanted) => {
  await expectUp(dns({ type, name, answer }), wanted)
})

test.each<[Partial<DnsQuery>, string]>([
  [{ name: 'no.lab.example' }, 'the server answers NXDOMAIN'],
  // keepalived's default query, of which a server of other zones knows nothing.
  [{ name: '.' }, 'the server answers REFUSED'],
  [{ name: 'www.lab.example', type: 'A', answer: '10.0.0.3' }, 'the answer is 10.0.0.1 and 1 more, not 10.0.0.3'],
])('NSD and %j: %s', async (query, wanted) => {
  await expectDown(dns(query), wanted, 'at once')
})

test('a server that has been stopped refuses', async () => {
  await servers.close()
  await expectDown(dns({}), 'ECONNREFUSED', 'at once')
})
