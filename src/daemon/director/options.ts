import type { Part } from '../../config/part.ts'
import type { Hook } from '../../forward/ebpf/attachment.ts'
import type { Millis } from '../../time.ts'
import type { PidFilePaths } from './pid-files.ts'

/** What the command line says of a director. */
export interface DirectorOptions {
  /** Tells directors on one machine apart: names pins and the control socket. */
  readonly name: string
  readonly file: string
  /** What `@ID` lines of the configuration mean by this host. */
  readonly configId: string
  /** Whether a configuration runs although some of its protections do not. */
  readonly partial: boolean
  readonly socket: string
  /** Of the service that runs the commands of the configuration; undefined: a child of the daemon does. */
  readonly scriptSocket: string | undefined
  readonly version: string
  /** How the forwarding core is attached to interfaces, if the kernel can. */
  readonly hook: Hook
  /** Connections that the table of each family has room for. */
  readonly maxConnections: number
  /** How long the core goes on by itself after a stop in order; 0: it is removed. */
  readonly grace: Millis
  /** What of each configuration runs. */
  readonly part: Part
  /** Whether BFD sessions run. */
  readonly bfd: boolean
  /** Whether every include must find its files. */
  readonly allConfig: boolean
  readonly pidFiles: PidFilePaths
  /** Mode of the files that others read. */
  readonly fileMode: number
}
