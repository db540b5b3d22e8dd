/**
 * How regular the adverts of a master are while its host runs many track scripts: intervals between adverts on the wire, as
 * tcpdump sees them, of Tanist and of keepalived with the same file, one after the other.
 *
 *     npm run bench:adverts [SCRIPTS] [SECONDS]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Capture } from '../support/capture.ts'
import { DirectorHost, untilState } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

const scripts = Number(process.argv[2] ?? 50)
const seconds = Number(process.argv[3] ?? 60)
const INTERVAL_MS = 100
const SOURCE = '10.0.100.1'

const names = Array.from({ length: scripts }, (_, i) => `chk${i}`)
const config = `global_defs {
  script_user root
  enable_script_security
}
${names.map((name) => `vrrp_script ${name} {\n  script "/bin/true"\n  interval 1\n}`).join('\n')}
vrrp_instance v {
  interface eth0
  virtual_router_id 51
  version 3
  priority 150
  advert_int ${INTERVAL_MS / 1000}
  virtual_ipaddress { 10.0.0.6/16
  }
  ${names.length === 0 ? '' : `track_script { ${names.join('\n')}\n  }`}
}
`

/** Deviations from the interval, in ms, smallest first. */
async function measure(product: 'tanist' | 'keepalived'): Promise<readonly number[]> {
  const lab = new Lab()
  try {
    lab.addSwitch('lan')
    lab.addHost('director1', [{ switch: 'lan', address: `${SOURCE}/16` }])
    const capture = await Capture.start(lab, 'lan')
    if (product === 'tanist') {
      const director = new DirectorHost(lab, 'director1', config)
      await director.start()
      await untilState(director, 'master')
    } else {
      const keepalived = new KeepalivedHost(lab, 'director1', config)
      keepalived.start()
      await until('keepalived to be master', () => keepalived.has('10.0.0.6'))
    }
    await sleep(2000)
    const from = Date.now()
    await sleep(seconds * 1000)
    const times = capture.adverts().flatMap(({ at, source }) => (source === SOURCE && at > from ? [at] : []))
    return times
      .slice(1)
      .map((at, i) => Math.abs(at - (times[i] ?? at) - INTERVAL_MS))
      .toSorted((a, b) => a - b)
  } finally {
    lab.destroy()
  }
}

for (const product of ['keepalived', 'tanist'] as const) {
  const found = await measure(product)
  const share = (part: number) =>
    (found[Math.min(found.length - 1, Math.floor(found.length * part))] ?? Number.NaN).toFixed(2)
  console.log(
    `${product}: ${scripts} scripts a second, ${found.length} adverts: off ${INTERVAL_MS} ms by ${share(0.5)} ms (median), ${share(0.99)} ms (p99), ${share(0.999)} ms (p99.9), ${share(1)} ms at most`,
  )
}
