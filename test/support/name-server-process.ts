/**
 * A name server for UDP port 53 of these addresses: `name-server-process.ts ZONE ADDRESS …`. ZONE is a JSON file that is read for each question:
 * `{ "www.example": { "ttl": 1, "A": ["10.0.0.1"] } }`; a name that is not there does not exist, and of one with `null` nobody knows.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { decode, encode, type StringAnswer } from 'dns-packet'

type Zone = Record<string, { ttl: number; A?: string[]; AAAA?: string[] } | null>

const [FAILURE, NOBODY] = [2, 3]
const [zone = '', ...addresses] = process.argv.slice(2)
for (const address of addresses) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (request, from) => {
    const { id, questions = [] } = decode(request)
    const [question] = questions
    const names = JSON.parse(readFileSync(zone, 'utf8')) as Zone
    const found = question && names[question.name.toLowerCase()]
    const type = question?.type === 'AAAA' ? 'AAAA' : 'A'
    const answers = (found?.[type] ?? []).map((data): StringAnswer => {
      return { type, name: question?.name ?? '', ttl: found?.ttl ?? 0, data }
    })
    const code = found === null ? FAILURE : found === undefined ? NOBODY : 0
    socket.send(
      encode({ type: 'response', id: id ?? 0, flags: 0x8180 | code, questions, answers }),
      from.port,
      from.address,
    )
  })
  socket.bind(53, address)
  await once(socket, 'listening')
}
process.send?.('ready')
