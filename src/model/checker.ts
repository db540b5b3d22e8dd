import type { Millis } from '../time.ts'
import type { Check, CheckTiming } from './check.ts'
import type { Command } from './command.ts'
import { endpointName } from './endpoint.ts'
import type { RealServer, VirtualServer } from './service.ts'

/** A command says how a server is. The script process runs it. */
export interface MiscCheck extends CheckTiming {
  readonly type: 'MISC_CHECK'
  readonly command: Command
  /** For one run. */
  readonly timeout: Millis
  /** An exit status from 2 on means up, and asks for a weight of two less. */
  readonly dynamic: boolean
}

/** The number in a file, by the name of its tracker, says how a server is. */
export interface FileCheck {
  readonly type: 'FILE_CHECK'
  readonly file: string
  /** Factor of the number, which is added to the weight of the server. 0: the server is down while the number is not 0. */
  readonly weight: number
  /** The factor has the other sign; of 0: the server is down while the number is 0. */
  readonly reverse: boolean
}

/** A server is up as long as a BFD session is. */
export interface BfdCheck {
  readonly type: 'BFD_CHECK'
  readonly session: string
  /** Down until the session is known to be up. */
  readonly alpha?: true
}

/** What decides about a real server: a probe over the network, which the check process makes, or what other processes know. */
export type Checker = Check | MiscCheck | FileCheck | BfdCheck

/** Its server is down until it says otherwise. */
export const isAlpha = (check: Checker | undefined): boolean => check !== undefined && 'alpha' in check && check.alpha

/** A checker by its id, which is unique in a configuration and stays the same as long as the checker does. */
export interface CheckerTask<T extends Checker = Checker> {
  readonly id: string
  readonly check: T
}

export const checkerId = (server: VirtualServer, real: RealServer, index: number): string =>
  `${server.name} ${endpointName(real.endpoint)} ${index} ${real.checks[index]?.type}`

/** The checkers of these virtual servers. */
export const checkerTasks = (servers: readonly VirtualServer[]): readonly CheckerTask[] =>
  servers.flatMap((server) =>
    server.realServers.flatMap((real) =>
      real.checks.map((check, index) => ({ id: checkerId(server, real, index), check })),
    ),
  )

/** The check process asks. */
export const isNetworkTask = (task: CheckerTask): task is CheckerTask<Check> => 'target' in task.check

export const isMiscTask = (task: CheckerTask): task is CheckerTask<MiscCheck> => task.check.type === 'MISC_CHECK'
