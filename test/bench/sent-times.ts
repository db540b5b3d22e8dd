import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { type Lab, until } from '../support/lab.ts'

/** When packets went to one destination, in ms since the epoch, by the kernel's clock, in their order. */
export type SentTimes = ReadonlyMap<string, readonly number[]>

/** pcap-savefile(5): microseconds, in the order of this machine's bytes. */
const MAGIC = 0xa1b2c3d4
const FILE_HEADER = 24
const PACKET_HEADER = 16
/** Behind the header of Ethernet. */
const IPV4_DESTINATION = 14 + 16

/** Records when a host sends IPv4 packets that match, in a file: there may be tens of thousands a second. */
export class SentPackets {
  readonly #file: string
  readonly #tcpdump: ChildProcess
  #said = ''

  private constructor(file: string, tcpdump: ChildProcess) {
    this.#file = file
    this.#tcpdump = tcpdump
    tcpdump.stderr?.on('data', (data: Buffer) => (this.#said += data.toString()))
  }

  static async start(lab: Lab, host: string, filter: string): Promise<SentPackets> {
    const file = join(lab.directory, 'sent.pcap')
    const command = [
      'tcpdump',
      '-n',
      '-Z',
      'root',
      '-B',
      '65536',
      '-s',
      '64',
      '-Q',
      'out',
      '-i',
      'eth0',
      '-w',
      file,
      filter,
    ] as const
    const sent = new SentPackets(file, lab.start(host, command, { stdio: ['ignore', 'ignore', 'pipe'] }))
    await until('tcpdump to listen', () => sent.#said.includes('listening on'))
    return sent
  }

  /** Ends the recording. Throws when tcpdump has missed any. */
  async stop(): Promise<SentTimes> {
    const ended = once(this.#tcpdump, 'exit')
    this.#tcpdump.kill('SIGTERM')
    await ended
    if (!this.#said.includes('\n0 packets dropped by kernel'))
      throw new Error(`tcpdump has missed packets:\n${this.#said}`)
    return timesIn(readFileSync(this.#file))
  }
}

function timesIn(pcap: Buffer): SentTimes {
  if (pcap.readUInt32LE(0) !== MAGIC) throw new Error('tcpdump has written another format')
  const times = new Map<string, number[]>()
  for (let at = FILE_HEADER; at < pcap.length;) {
    const sentAt = pcap.readUInt32LE(at) * 1000 + pcap.readUInt32LE(at + 4) / 1000
    const length = pcap.readUInt32LE(at + 8)
    const address = at + PACKET_HEADER + IPV4_DESTINATION
    const destination = pcap.subarray(address, address + 4).join('.')
    const known = times.get(destination)
    if (known === undefined) times.set(destination, [sentAt])
    else known.push(sentAt)
    at += PACKET_HEADER + length
  }
  return times
}
