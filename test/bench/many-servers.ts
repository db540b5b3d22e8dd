import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { Lab } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** The one of the director. */
export const DIRECTOR = '10.0.0.1'

/** 10.9.0.1 and on: 65 534 servers. */
export const addressOf = (i: number) => `10.9.${(i + 1) >> 8}.${(i + 1) & 255}`

/** A director's host, and one that has the addresses of all real servers: an nginx at port 80, and with TLS at 443. */
export async function manyServers(): Promise<Lab> {
  const lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: `${DIRECTOR}/16` }])
  lab.addHost('servers', [{ switch: 'lan', address: '10.0.0.2/16' }])
  // One neighbour, however many addresses.
  lab.ip('director', ['route add 10.9.0.0/16 via 10.0.0.2'])
  lab.ip('servers', ['route add local 10.9.0.0/16 dev lo'])
  const [key, certificate] = [join(lab.directory, 'key.pem'), join(lab.directory, 'certificate.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=bench']
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  const tls = `listen 443 ssl backlog=4096 reuseport; ssl_certificate ${certificate}; ssl_certificate_key ${key};`
  await new WebServer(lab, 'servers', tls).start()
  return lab
}
