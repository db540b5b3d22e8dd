import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lab, removeStaleFolders } from '../../support/lab.ts'

const VERSIONS = '/usr/lib/postgresql'
const PREFIX = 'tanist-postgres'

/** A program of the installed PostgreSQL. */
export const postgresProgram = (name: string) => join(VERSIONS, readdirSync(VERSIONS)[0] ?? '', 'bin', name)

const AS_POSTGRES = ['runuser', '-u', 'postgres', '--'] as const

/** A database with a table `t`, stopped, to be copied. The user `postgres` has it. */
export class DatabaseTemplate {
  readonly directory: string

  constructor() {
    removeStaleFolders(PREFIX)
    this.directory = mkdtempSync(join(tmpdir(), `${PREFIX}-${process.pid}-`))
    chmodSync(this.directory, 0o777)
    const data = join(this.directory, 'data')
    const [file, ...asPostgres] = AS_POSTGRES
    const run = (...command: readonly string[]) =>
      execFileSync(file, [...asPostgres, ...command], { stdio: 'ignore', cwd: '/' })
    run(postgresProgram('initdb'), '-D', data, '-A', 'trust', '--no-sync')
    appendFileSync(join(data, 'pg_hba.conf'), 'host all all all trust\nhost replication all all trust\n')
    appendFileSync(
      join(data, 'postgresql.conf'),
      "listen_addresses = '*'\nunix_socket_directories = ''\nfsync = off\nshared_buffers = 16MB\n",
    )
    const sql = join(this.directory, 't.sql')
    writeFileSync(sql, 'create table t (n int);\n')
    run('sh', '-c', `${postgresProgram('postgres')} --single -D ${data} postgres <${sql}`)
  }

  /** A server with a copy of it on a host; with `primary` it follows the one at that address. */
  start(lab: Lab, host: string, primary?: string): PostgresServer {
    chmodSync(lab.directory, 0o711)
    const data = join(lab.directory, `postgres-${host}`)
    execFileSync('cp', ['-a', join(this.directory, 'data'), data])
    if (primary !== undefined) {
      writeFileSync(join(data, 'standby.signal'), '')
      appendFileSync(join(data, 'postgresql.conf'), `primary_conninfo = 'host=${primary} user=postgres'\n`)
    }
    execFileSync('chown', ['-R', 'postgres:', data]) // what was added
    const start = ['start', '-w', '-D', data, '-l', join(data, 'log')] as const
    lab.run(host, [...AS_POSTGRES, postgresProgram('pg_ctl'), ...start])
    return { data }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export interface PostgresServer {
  readonly data: string
}
