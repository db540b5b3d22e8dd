import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPair, distribution, type Pair } from '../support/pair.ts'

let pair: Pair
let original: string
beforeAll(async () => {
  pair = await buildPair('nat')
  const [director] = pair.directors
  original = readFileSync(director.file, 'utf8').replaceAll('advert_int 1\n', 'advert_int 0.1\n')
  director.configure(original)
  await director.start()
  await director.untilState('master')
})
afterAll(() => pair.lab.destroy())

/** Reloads with another head of the web service. */
async function reload(change: (text: string) => string): Promise<void> {
  const [director] = pair.directors
  director.configure(change(original))
  expect(await director.reload()).toEqual([])
}

test('without persistence a client is sent to every server', () => {
  expect(Object.keys(distribution(pair, 12))).toHaveLength(3)
})

test('persistence per port: a client stays at one server', async () => {
  await reload((text) => text.replace('lb_algo wrr', 'lb_algo wrr\n    persistence_timeout 60'))
  expect(Object.values(distribution(pair, 12))).toEqual([12])
})

test('persistence per client: one service for every port', async () => {
  await reload((text) =>
    text
      .replace('virtual_server 172.18.100.6 80', 'virtual_server 172.18.100.6 0')
      .replace('lb_algo wrr', 'lb_algo wrr\n    persistence_timeout 60')
      .replace(/real_server (192\.168\.10\.\d+) 80 \{/g, 'real_server $1 0 {')
      .replace(/(HTTP_GET|TCP_CHECK) \{/g, '$1 {\n            connect_port 80'),
  )
  expect(Object.values(distribution(pair, 12))).toEqual([12])
})

test('source hashing keeps a client at one server, too', async () => {
  await reload((text) => text.replace('lb_algo wrr', 'lb_algo sh'))
  expect(Object.values(distribution(pair, 12))).toEqual([12])
  // With the port, other connections of the client go elsewhere.
  await reload((text) => text.replace('lb_algo wrr', 'lb_algo sh\n    sh-port'))
  expect(Object.keys(distribution(pair, 40)).length).toBeGreaterThan(1)
})
