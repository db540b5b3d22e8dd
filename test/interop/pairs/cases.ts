import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lab, until } from '../../support/lab.ts'
import { WebServer } from '../../support/web.ts'
import { type DatabaseTemplate, postgresProgram } from './postgres.ts'

export const VIP = '10.0.0.100'
export const nodeName = (number: number) => `node${number}`
export const nodeAddress = (number: number) => `10.0.0.${number}`

/** Nodes that share an address, as people run them. */
export interface Case {
  readonly name: string
  readonly nodes: 2 | 3
  /** Starts what they serve; gives each node's file. The first one is master. */
  readonly prepare: (stage: Prepared) => Promise<readonly string[]>
  /** What happens on the first node. */
  readonly fault: (lab: Lab) => void
  /** How it ends, and the address is back on the first node; a node that stays as it is has none. */
  readonly repair?: (lab: Lab) => void
  /** What the client does, every so many milliseconds. */
  readonly client: { readonly periodMs: number; readonly what: readonly string[] }
}

export interface Prepared {
  readonly lab: Lab
  readonly database: DatabaseTemplate
}

interface NodeFile {
  readonly priority: number
  /** The check script, with further lines of its block. */
  readonly check?: { readonly command: string; readonly more: string }
  readonly more?: string
}

/** As in the documents that people copy: version 2, adverts each second, a password. */
function file({ priority, check, more = '' }: NodeFile): string {
  const block =
    check === undefined
      ? ''
      : `
vrrp_script chk {
  script "${check.command}"
  interval 1
  ${check.more}
}`
  const track = check === undefined ? '' : 'track_script {\n    chk\n  }'
  return `global_defs {
  script_user root
  enable_script_security
}${block}
vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass k8s1234
  }
  virtual_ipaddress {
    ${VIP}/24
  }
  ${track}
  ${more}
}
`
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

/** `killall -0` finds a haproxy of the node only. */
const haproxy: Case = {
  name: 'HAProxy pair with killall -0 haproxy',
  nodes: 2,
  prepare: async ({ lab }) => {
    lab.addHost('web', [{ switch: 'lan', address: '10.0.0.20/24' }])
    await new WebServer(lab, 'web').start()
    writeFileSync(
      join(lab.directory, 'haproxy.cfg'),
      `defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
listen web
  bind *:80
  server web 10.0.0.20:80
`,
    )
    for (const number of numbers(2)) startHaproxy(lab, number)
    return [101, 100].map((priority) =>
      file({ priority, check: { command: '/usr/bin/killall -0 haproxy', more: 'weight 2' } }),
    )
  },
  fault: (lab) => void lab.run(nodeName(1), ['killall', '-9', 'haproxy']),
  repair: (lab) => startHaproxy(lab, 1),
  client: { periodMs: 10, what: [`http://${VIP}/`] },
}

function startHaproxy(lab: Lab, number: number): void {
  lab.start(nodeName(number), ['haproxy', '-db', '-f', join(lab.directory, 'haproxy.cfg')])
}

const nginx: Case = {
  name: 'nginx pair with a script that asks by curl',
  nodes: 2,
  prepare: async ({ lab }) => {
    await Promise.all(numbers(2).map((number) => new WebServer(lab, nodeName(number)).start()))
    const command = '/usr/bin/curl -sf -m 1 -o /dev/null http://127.0.0.1/'
    return [150, 100].map((priority) => file({ priority, check: { command, more: 'fall 2\n  rise 2' } }))
  },
  fault: (lab) => void lab.run(nodeName(1), ['killall', '-9', 'nginx']),
  repair: (lab) => void lab.start(nodeName(1), ['nginx', '-e', '/dev/null', '-c', webConfig(lab, 1)]),
  client: { periodMs: 10, what: [`http://${VIP}/`] },
}

const webConfig = (lab: Lab, number: number) => join(lab.directory, `www-${nodeName(number)}`, 'nginx.conf')

/** The client writes: it is served when the standby has become a primary. */
const postgres: Case = {
  name: 'PostgreSQL pair with notify_master that promotes',
  nodes: 2,
  prepare: async ({ lab, database }) => {
    database.start(lab, nodeName(1))
    const { data } = database.start(lab, nodeName(2), nodeAddress(1))
    const psql = [postgresProgram('psql'), '-h', nodeAddress(1), '-U', 'postgres', '-qAt', '-c'] as const
    const streams = () => lab.run(nodeName(2), [...psql, 'select count(*) from pg_stat_replication']).trim() === '1'
    await until('the standby to follow', streams)
    const check = { command: `${postgresProgram('pg_isready')} -q -h 127.0.0.1`, more: 'fall 2\n  rise 2' }
    // Who was primary does not come back by itself.
    return [
      file({ priority: 150, check, more: 'nopreempt' }),
      file({
        priority: 100,
        check,
        more: `nopreempt\n  notify_master "${postgresProgram('pg_ctl')} promote -D ${data}" postgres`,
      }),
    ]
  },
  fault: (lab) => void lab.run(nodeName(1), ['killall', '-9', 'postgres']),
  client: {
    periodMs: 100,
    what: [postgresProgram('psql'), '-h', VIP, '-U', 'postgres', '-q', '-c', 'insert into t values (1)'],
  },
}

const kubernetes: Case = {
  name: 'Kubernetes API with a script that asks for /healthz',
  nodes: 2,
  prepare: async ({ lab }) => {
    const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(lab.directory, name))
    const subject = [
      '-subj',
      '/CN=kubernetes',
      '-days',
      '1',
      '-nodes',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
    ]
    const made = ['req', '-x509', ...subject, '-keyout', key ?? '', '-out', certificate ?? '']
    execFileSync('openssl', made, { stdio: 'ignore' })
    const api = `listen 6443 ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key}; location = /healthz { return 200 ok; }`
    await Promise.all(numbers(2).map((number) => new WebServer(lab, nodeName(number), api).start()))
    const command = '/usr/bin/curl -sfk -m 2 -o /dev/null https://localhost:6443/healthz'
    return [101, 100].map((priority) =>
      file({ priority, check: { command, more: 'weight -2\n  fall 3\n  rise 2\n  timeout 2' } }),
    )
  },
  fault: (lab) => void lab.run(nodeName(1), ['killall', '-9', 'nginx']),
  repair: (lab) => void lab.start(nodeName(1), ['nginx', '-e', '/dev/null', '-c', webConfig(lab, 1)]),
  client: { periodMs: 20, what: [`https://${VIP}:6443/healthz`] },
}

const unicast: Case = {
  name: 'three unicast nodes of which the first one loses its cable',
  nodes: 3,
  prepare: async ({ lab }) => {
    await Promise.all(numbers(3).map((number) => new WebServer(lab, nodeName(number)).start()))
    return numbers(3).map((number) => {
      const peers = numbers(3).filter((other) => other !== number)
      const more = `unicast_src_ip ${nodeAddress(number)}
  unicast_peer {
    ${peers.map(nodeAddress).join('\n    ')}
  }`
      return file({ priority: 160 - 20 * number, more })
    })
  },
  fault: (lab) => lab.cable(nodeName(1), 0, 'down'),
  repair: (lab) => lab.cable(nodeName(1), 0, 'up'),
  client: { periodMs: 10, what: [`http://${VIP}/`] },
}

export const cases: readonly Case[] = [haproxy, nginx, postgres, kubernetes, unicast]
