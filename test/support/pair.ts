import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { DirectorHost } from './director.ts'
import { Lab } from './lab.ts'
import { WebServer } from './web.ts'

const CONF = join(import.meta.dirname, '../../conf')

/** The lab of the lecture: a client, two directors and three web servers, with the files of `conf/`. */
export interface Pair {
  readonly lab: Lab
  readonly method: 'nat' | 'dr'
  readonly vip: string
  readonly directors: readonly [DirectorHost, DirectorHost]
  readonly servers: readonly WebServer[]
}

/** Builds the lab and starts everything but the directors. */
export async function buildPair(method: 'nat' | 'dr'): Promise<Pair> {
  const lab = new Lab()
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('client', [{ switch: 'outside', address: '172.18.0.10/16' }])
  for (const i of [1, 2]) {
    lab.addHost(`director${i}`, [
      { switch: 'outside', address: `172.18.100.${i}/16` },
      { switch: 'inside', address: `192.168.10.${i}/24` },
    ])
    lab.run(`director${i}`, ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  }
  const vip = method === 'nat' ? '172.18.100.6' : '172.18.100.7'
  const servers: WebServer[] = []
  for (const i of [11, 12, 13]) {
    const name = `rs${i}`
    if (method === 'nat') {
      lab.addHost(name, [{ switch: 'inside', address: `192.168.10.${i}/24` }], '192.168.10.254')
    } else {
      lab.addHost(name, [{ switch: 'outside', address: `172.18.100.${i}/16` }])
      lab.run(name, [join(CONF, 'real-server-dr.sh'), 'start', vip])
    }
    servers.push(new WebServer(lab, name))
    await once(lab.fork(name, 'udp-echo.ts', ['7']), 'message')
  }
  await Promise.all(servers.map((server) => server.start()))
  const config = readFileSync(join(CONF, `${method}.conf`), 'utf8')
  const directors = [
    new DirectorHost(lab, 'director1', config.replaceAll('priority 100', 'priority 150')),
    new DirectorHost(lab, 'director2', config),
  ] as const
  return { lab, method, vip, directors, servers }
}

/** Asks the virtual IP `count` times, one connection each; says which server answered how often. */
export function distribution({ lab, vip }: Pair, count: number): Record<string, number> {
  const url = `http://${vip}/?[1-${count}]`
  const output = lab.run('client', ['curl', '-s', '-m', '5', '--no-keepalive', '-H', 'Connection: close', url])
  const answers: Record<string, number> = {}
  for (const name of output.trim().split('\n')) answers[name] = (answers[name] ?? 0) + 1
  return answers
}
