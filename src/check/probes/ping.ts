import { randomInt } from 'node:crypto'
import ping from 'ping'
import { EchoSocket } from '../../linux/echo-socket.ts'
import type { CheckSchedule } from '../../model/check.ts'
import { isIpv4 } from '../../net/address.ts'
import type { Note } from '../steps.ts'
import { type EchoResult, Echoes } from './echoes.ts'
import { bad, type Finding, good, NO_WAY, notAsked } from './finding.ts'
import { pingFrom } from './ping-from.ts'

/** By family; null: this process may not open a socket for it. */
const opened = new Map<'IPv4' | 'IPv6', Echoes | null>()

function echoesOf(family: 'IPv4' | 'IPv6'): Echoes | null {
  const known = opened.get(family)
  if (known !== undefined) return known
  const socket = EchoSocket.open(family, randomInt(0x1_0000))
  const echoes = socket === undefined ? null : new Echoes(socket)
  opened.set(family, echoes)
  return echoes
}

/** Opens the sockets of PING_CHECK: for a process that may not do it later. */
export function preparePing(): void {
  echoesOf('IPv4')
  echoesOf('IPv6')
}

/** One ICMP echo. Who says that the server cannot be reached is believed at once. */
export async function probePing(check: CheckSchedule, note?: Note): Promise<Finding> {
  const { address } = check.target
  // The one socket has no source of its own.
  if (check.source !== undefined) return pingFrom(check, check.source, note)
  const echoes = echoesOf(isIpv4(address) ? 'IPv4' : 'IPv6')
  note?.(`sends an echo request to ${address}${echoes === null ? ' by the program `ping`' : ''}`)
  return echoes === null ? pingByProgram(check) : judge(await echoes.ask(address, check.timeout), check)
}

/** What Linux makes of ICMP errors, by the name of the error number; others are told by that. */
const ERRORS: Readonly<Record<string, string>> = {
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EACCES: 'prohibited',
  ENOPROTOOPT: 'protocol unreachable',
  ECONNREFUSED: 'port unreachable',
}

/** What this host's kernel refuses for reasons of its own: the server has not been asked. */
const OWN: ReadonlySet<string> = new Set(['EPERM', 'EAGAIN', 'ENOBUFS', 'ENOMEM'])

function judge(result: EchoResult, { target, timeout }: CheckSchedule): Finding {
  switch (result.type) {
    case 'reply':
      return good(`echo reply after ${result.after.toFixed(2)} ms`)
    case 'error': {
      const { code, from } = result
      if (from === 'this host' && OWN.has(code)) return notAsked(`cannot send: ${code}`)
      const reason = `${ERRORS[code] ?? code}, says ${from ?? 'ICMP'}`
      return from === 'this host' && NO_WAY.has(code) ? { up: false, unreachable: true, reason } : bad(reason)
    }
    case 'silence': {
      const but = result.stray === undefined ? '' : `, but ${result.stray}`
      return bad(`no echo reply from ${target.address} within ${timeout / 1000} s${but}`)
    }
    case 'too many':
      return notAsked('too many echo requests are under way')
  }
}

/** What ping prints when it may not open its socket: `ping: socktype: SOCK_RAW`, `ping: socket: Operation not permitted`. */
const NO_SOCKET = /^ping6?: sock(?:et|type): .*$/m

/** By the system's ping, which may open the socket that this process may not. */
async function pingByProgram({ target, timeout }: CheckSchedule): Promise<Finding> {
  const seconds = Math.max(1, Math.ceil(timeout / 1000))
  const probed = ping.promise.probe(target.address, {
    v6: !isIpv4(target.address),
    timeout: seconds,
    deadline: seconds,
    min_reply: 1,
  })
  const answer = await probed.catch(() => undefined)
  if (answer === undefined) return notAsked('cannot start the program `ping`')
  if (answer.alive) return good(`echo reply after ${answer.time} ms`)
  const [refused] = NO_SOCKET.exec(answer.output) ?? []
  if (refused !== undefined) return notAsked(refused)
  return bad(`no echo reply from ${target.address} within ${seconds} s`)
}
