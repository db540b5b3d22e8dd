import { afterEach, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

const INTERVAL_MS = 100
const ADVERTS = 30
let lab: Lab
afterEach(() => lab.destroy())

/** 255 addresses, and their gratuitous ARPs, when an instance becomes master. */
const addresses = Array.from({ length: 255 }, (_, i) => `10.0.1.${i}/32`)
const text = `vrrp_instance x {
  interface eth0
  virtual_router_id 10
  version 3
  priority 100
  advert_int ${INTERVAL_MS / 1000}
  virtual_ipaddress {
    ${addresses.join('\n    ')}
  }
}
`

test('adverts keep their cadence while an instance with 255 addresses becomes master, beside keepalived', async () => {
  lab = new Lab()
  const gaps: Record<string, number> = {}
  for (const program of ['keepalived', 'tanist'] as const) {
    lab.addSwitch(program)
    lab.addHost(`${program}1`, [{ switch: program, address: '10.0.100.1/16' }])
    const capture = await Capture.start(lab, program)
    if (program === 'keepalived') new KeepalivedHost(lab, 'keepalived1', text).start()
    else await new DirectorHost(lab, 'tanist1', text).start()
    await until(`adverts of ${program}`, () => capture.adverts().length > ADVERTS)
    const at = capture.adverts().map((advert) => advert.at)
    gaps[program] = Math.max(...at.slice(1).map((time, i) => time - (at[i] ?? time)))
    const has = () => lab.run(`${program}1`, ['ip', '-brief', 'address']).split('10.0.1.').length - 1
    await until(`all addresses of ${program}`, () => has() === addresses.length)
    capture.stop()
  }
  const list = Object.entries(gaps).map(([program, gap]) => `${program} ${gap.toFixed(1)} ms`)
  process.stdout.write(`255 addresses, adverts every ${INTERVAL_MS} ms, longest gap: ${list.join(', ')}\n`)
  expect(gaps['tanist']).toBeLessThan(1.5 * INTERVAL_MS)
})
