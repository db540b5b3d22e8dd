import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lab, until } from './lab.ts'

/** A real nginx on a host of a lab. `/` says which server it is; `/1k` is a kilobyte for benchmarks. */
export class WebServer {
  readonly #lab: Lab
  readonly host: string
  readonly #config: string
  #process: ChildProcess | undefined

  constructor(lab: Lab, host: string, extra = '') {
    this.#lab = lab
    this.host = host
    const root = join(lab.directory, `www-${host}`)
    mkdirSync(root)
    writeFileSync(join(root, 'index.html'), `${host}\n`)
    writeFileSync(join(root, '1k'), 'x'.repeat(1024))
    this.#config = join(root, 'nginx.conf')
    writeFileSync(
      this.#config,
      `daemon off;
master_process off;
pid ${root}/nginx.pid;
error_log ${root}/error.log;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path ${root}/tmp1; proxy_temp_path ${root}/tmp2; fastcgi_temp_path ${root}/tmp3;
  uwsgi_temp_path ${root}/tmp4; scgi_temp_path ${root}/tmp5;
  server { listen 80 backlog=4096 reuseport; listen [::]:80 backlog=4096 reuseport; root ${root}; ${extra} }
}
`,
    )
  }

  async start(): Promise<void> {
    this.#process = this.#lab.start(this.host, ['nginx', '-e', '/dev/null', '-c', this.#config])
    await until(`nginx on ${this.host}`, () => {
      try {
        return this.#lab.run(this.host, ['curl', '-s', '-m', '1', 'http://127.0.0.1/']) !== ''
      } catch {
        return false
      }
    })
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
}
