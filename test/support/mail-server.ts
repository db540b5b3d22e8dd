import { type ChildProcess, execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lab, until } from './lab.ts'

/** As whom Debian's Exim works. */
const USER = 'Debian-exim'

export const MAIL_LOGIN = { user: 'lb', password: 'Geheim1' }
/** Mail to it is refused, to everybody else it is delivered. */
export const REFUSED = 'refused@example.net'
export const MAIL_PORTS = { plain: 25, implicit: 465 }

/** A mail that has arrived. */
export interface ReceivedMail {
  readonly headers: Readonly<Record<string, string>>
  /** As SMTP has it. */
  readonly sender: string
  readonly body: string
  /** How it came, by Exim's words: `esmtp`, with `s` for TLS and `a` for a login. */
  readonly protocol: string
}

/** A real Exim on a host of a lab: port 25 with STARTTLS, 465 with TLS; it offers a login where there is TLS. */
export class MailServer {
  readonly #lab: Lab
  readonly #host: string
  readonly #address: string
  readonly #folder: string
  /** File with the certificate, for `smtp_ca_file`. */
  readonly certificate: string
  readonly key: string
  #process: ChildProcess | undefined

  constructor(lab: Lab, host: string, address: string) {
    this.#lab = lab
    this.#host = host
    this.#address = address
    this.#folder = join(lab.directory, `mail-${host}`)
    this.certificate = join(this.#folder, 'certificate.pem')
    this.key = join(this.#folder, 'key.pem')
    const spool = join(this.#folder, 'spool')
    mkdirSync(spool, { recursive: true })
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const names = ['-subj', '/CN=mail.lab', '-addext', `subjectAltName=DNS:mail.lab,IP:${address}`]
    const files = ['-keyout', this.key, '-out', this.certificate]
    execFileSync('openssl', ['req', ...kind, ...names, ...files], { stdio: 'pipe' })
    const login = `{eq{$auth2}{${MAIL_LOGIN.user}}}{eq{$auth3}{${MAIL_LOGIN.password}}}`
    writeFileSync(
      join(this.#folder, 'exim.conf'),
      `primary_hostname = mail.lab
spool_directory = ${spool}
log_file_path = ${spool}/%slog
exim_user = ${USER}
exim_group = ${USER}
deliver_drop_privilege
keep_environment =
daemon_smtp_ports = ${MAIL_PORTS.plain} : ${MAIL_PORTS.implicit}
tls_on_connect_ports = ${MAIL_PORTS.implicit}
local_interfaces = ${address}
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = *
tls_certificate = ${this.certificate}
tls_privatekey = ${this.key}
acl_smtp_rcpt = recipients
begin acl
recipients:
  deny local_parts = ${REFUSED.split('@', 1)[0] ?? ''}
  accept
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = ${spool}/mail
  maildir_format
  create_directory
  return_path_add
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = \${if def:tls_in_cipher}
  server_condition = \${if and{${login}}}
  server_set_id = $auth2
`,
    )
    execFileSync('chown', ['-R', `${USER}:${USER}`, spool, this.key, this.certificate])
    execFileSync('chmod', ['755', lab.directory, this.#folder])
  }

  async start(): Promise<void> {
    const config = join(this.#folder, 'exim.conf')
    this.#process = this.#lab.start(this.#host, ['exim4', '-C', config, '-bdf', '-oP', join(this.#folder, 'pid')])
    await until(`exim on ${this.#host}`, () =>
      this.#lab.run(this.#host, ['ss', '-Hltn', `sport = :${MAIL_PORTS.implicit}`]).includes(this.#address),
    )
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }

  /** All that have arrived, in their order. */
  received(): ReceivedMail[] {
    const folder = join(this.#folder, 'spool/mail/new')
    let names: string[]
    try {
      names = readdirSync(folder)
    } catch {
      return [] // none so far
    }
    return names.toSorted().map((name) => parseMail(readFileSync(join(folder, name), 'utf8')))
  }
}

function parseMail(text: string): ReceivedMail {
  const end = text.indexOf('\n\n')
  const lines = text.slice(0, end).replaceAll(/\n\s+/g, ' ').split('\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const protocol = / with (\w+)/.exec(headers['received'] ?? '')?.[1] ?? ''
  return { headers, sender: headers['return-path'] ?? '', body: text.slice(end + 2), protocol }
}
