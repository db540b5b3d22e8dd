import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ControlClient } from '../../src/control/client.ts'
import type { Snapshot } from '../../src/control/snapshot.ts'
import { behaviourText } from '../../src/drill/stand-in-script.ts'
import { buildLab } from '../../src/lab/build.ts'
import type { Site, SiteDirector } from '../../src/lab/site.ts'
import { CHECKED_PAIRS, PAIR_SURROUNDINGS, type PairOfTexts, RUNNING_PAIRS } from '../drill/corpus-pairs.ts'
import { until } from '../support/lab.ts'

const TANISTD = join(import.meta.dirname, '../../dist/bin/tanistd.js')

const sites = new Set<Site>()
let marker = ''
let before = ''

/** What of this host a lab could change. */
function hostText(): string {
  const run = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' })
  return [
    run('ip address; ip -4 rule; ip -6 rule; ip -4 route show table all; ip -6 route show table all')
      // How long addresses hold yet.
      .replace(/\d+sec/g, ''),
    run('find /proc/sys/net -type f -readable -exec grep -Hs . {} + | grep -v "_delta\\|conntrack_count" | sort'),
    run(`find /etc /usr/local /root -xdev -newer ${marker} -not -path '*/.*' || true`),
  ].join('\n')
}

beforeAll(() => {
  marker = join(mkdtempSync(join(tmpdir(), 'tanist-build-')), 'marker')
  writeFileSync(marker, '')
  before = hostText()
})
afterEach(async () => {
  for (const site of sites) await site.close()
  sites.clear()
})
afterAll(() => rmSync(join(marker, '..'), { recursive: true }))

async function built(pair: PairOfTexts): Promise<Site> {
  const director = (source: PairOfTexts['director1']) =>
    ({ source, surroundings: PAIR_SURROUNDINGS, kind: 'tanist' }) as const
  const site = await buildLab({ director1: director(pair.director1), director2: director(pair.director2) })
  sites.add(site)
  return site
}

const socketOf = ({ folder }: SiteDirector) => join(folder, 'control')
const statusOf = (director: SiteDirector): Promise<Snapshot> => new ControlClient(socketOf(director)).status()

async function started(director: SiteDirector): Promise<void> {
  const args = ['-f', director.file, '--name', director.id, '--socket', socketOf(director)]
  await director.place.start([process.execPath, TANISTD, ...args], { log: join(director.folder, 'log') })
}

/** The states of all its instances, each once; none while it does not answer. */
async function statesOf(director: SiteDirector): Promise<string> {
  const { instances } = await statusOf(director).catch(() => ({ instances: [] }))
  return [...new Set(instances.map(({ state }) => state))].join()
}

/** Those of real servers that answer the client, of so many requests. */
async function answering({ client, targets }: Site, count: number): Promise<ReadonlySet<string>> {
  const [target] = targets.tcp
  if (target === undefined) return new Set()
  const host = target.address.includes(':') ? `[${target.address}]` : target.address
  const url = `${target.talk}://${host}:${target.port}/`
  const ask = `for i in $(seq ${count}); do curl -gsk -m 2 -o /dev/null -D - ${url}; done`
  const { stdout } = await client.place.run(['sh', '-c', ask])
  return new Set([...stdout.matchAll(/^x-server: (.*?)\r?$/gim)].map(([, name = '']) => name))
}

/** Real servers of the first service that clients ask, by their words. */
function serversOf(site: Site): readonly string[] {
  const [target] = site.targets.tcp
  const asked = site.directors.director1.config.virtualServers.find(({ services }) =>
    services.some((id) => id.by === 'address' && id.vip.address === target?.address && id.vip.port === target.port),
  )
  const addresses = new Set(asked?.realServers.map(({ endpoint }) => endpoint.address))
  const words = site.servers.filter(({ address }) => addresses.has(address)).map(({ word }) => word)
  return asked?.persistence === undefined ? words : words.slice(0, 1)
}

describe('in the lab', () => {
  test.each(Object.entries(RUNNING_PAIRS))(
    'of a pair with %s a master is elected, and its servers serve',
    async (_, pair) => {
      const site = await built(pair)
      const { director1, director2 } = site.directors
      await Promise.all([started(director1), started(director2)])
      // Without preemption it is whoever was there first.
      await until('one of them to be master of all, and the other one backup', async () => {
        const [one, other] = await Promise.all([statesOf(director1), statesOf(director2)])
        return `${one} ${other}` === 'master backup' || `${one} ${other}` === 'backup master'
      })
      const words = serversOf(site)
      await until(`${words.join(', ') || 'nobody'} to answer the client`, async () => {
        const names = await answering(site, 6 * words.length)
        return words.every((word) => names.has(word))
      })
      for (const vip of site.targets.icmp) {
        const { stdout, status } = await site.client.place.run(['ping', '-c1', '-W2', vip])
        expect(`${vip}: ${status}\n${stdout}`).toContain(`${vip}: 0`)
      }
    },
  )
})

test.each(CHECKED_PAIRS)('real servers are found up by the checks of $name', async (pair) => {
  const site = await built(pair)
  const { director1 } = site.directors
  await started(director1)
  const wanted = director1.config.virtualServers.flatMap(({ realServers }) => realServers).length
  const found = async () => {
    const { services } = await statusOf(director1).catch(() => ({ services: [] }))
    return services.flatMap((service) => service.servers.filter(({ role }) => role === 'real'))
  }
  // A first check is up to its whole interval away.
  const isChecked = ({ reason }: { readonly reason: string }) => !reason.includes('not checked')
  await until(
    'the first check of each',
    async () => {
      const servers = await found()
      return servers.length === wanted && servers.every(isChecked)
    },
    90_000,
  )
  expect((await found()).filter(({ state }) => state !== 'up').map(({ name, reason }) => `${name}: ${reason}`)).toEqual(
    [],
  )
})

test('a real server of the lab is broken and mended as it is told', async () => {
  const site = await built(RUNNING_PAIRS.dr)
  const [one] = site.servers
  if (one === undefined) throw new Error('there is no server')
  const ask = async () => {
    const url = `http://${one.address}/`
    const { stdout, status } = await site.client.place.run(['curl', '-s', '-m1', '-w', '%{http_code}', url])
    return `${stdout} ${status}`
  }
  expect(await ask()).toBe('server 1\n200 0')
  const answers: Record<string, string> = {}
  for (const how of ['refuse', 'silent', 'slow', 'error', 'wrong', 'ok']) {
    await one.responder.ask({ how })
    answers[how] = await ask()
  }
  expect(answers).toMatchObject({ refuse: '000 7', silent: '000 28', error: 'broken\n500 0', ok: 'server 1\n200 0' })
  expect(answers['slow']).toMatch(/ 28$/)
  expect(answers['wrong']).toContain('something else')
})

test('a command of the configuration is called as its stand-in, which does what it is told', async () => {
  const site = await built(RUNNING_PAIRS.haproxy)
  const { place, folder, calls } = site.directors.director1
  const [first] = readdirSync(join(folder, 'commands'))
  const path = join(folder, 'commands', first ?? '')
  const odd = ['MASTER', 'a"b', 'c\\d', 'two words', '']
  expect((await place.run([path, ...odd])).status).toBe(0)
  const [line = ''] = readFileSync(calls ?? '', 'utf8').split('\n')
  expect(JSON.parse(line)).toMatchObject({ command: '/usr/bin/killall -0 haproxy', arguments: odd })
  expect(Math.abs((JSON.parse(line) as { at: number }).at - Date.now())).toBeLessThan(60_000)
  writeFileSync(`${path}.says`, behaviourText({ status: 3, hangs: false, prints: 1, forks: 2 }))
  const { status, stdout } = await place.run(['sh', '-c', `${path} >${folder}/out; echo $?; stat -c %s ${folder}/out`])
  expect([status, stdout]).toEqual([0, `3\n${1 << 20}\n`])
  writeFileSync(`${path}.says`, behaviourText({ status: 0, hangs: true, prints: 0, forks: 0 }))
  // What sends SIGKILL may end by it, too: a shell says 137 of both.
  expect((await place.run(['sh', '-c', `timeout -k 1 1 ${path}; echo $?`])).stdout).toBe('137\n')
})

test('the machine beside the client answers past the directors', async () => {
  const site = await built(RUNNING_PAIRS.dr)
  const { beside } = site.targets
  const script = `exec 3<>/dev/udp/${beside?.address}/${beside?.port}; echo hello >&3; timeout 2 head -n1 <&3`
  const { stdout } = await site.client.place.run(['bash', '-c', script])
  expect(stdout).toBe('hello\n')
})

test('a lab is there within 3 s on an idle machine, and nothing of it afterwards', async () => {
  const begun = performance.now()
  const site = await built(RUNNING_PAIRS.dr)
  const took = performance.now() - begun
  const { id, folder } = site.directors.director1
  await site.close()
  sites.clear()
  const lab = id.replace(/director1$/, '')
  expect(readdirSync('/run/netns').filter((name) => name.startsWith(lab))).toEqual([])
  expect(existsSync(folder)).toBe(false)
  // Six times what an idle machine needs, for a busy one.
  expect(took).toBeLessThan(18_000)
})

test.each(['SIGINT', 'SIGKILL'] as const)(
  'after %s of its owner a lab is gone when the next one is built',
  async (signal) => {
    const owner = fork(join(import.meta.dirname, '../support/lab-owner-process.ts'), [RUNNING_PAIRS.dr.director1.name])
    const [id] = (await once(owner, 'message')) as [string]
    const name = id.replace(/director1$/, '')
    const left = () => readdirSync('/run/netns').filter((each) => each.startsWith(name))
    expect(left()).not.toEqual([])
    owner.kill(signal)
    await once(owner, 'exit')
    if (signal === 'SIGKILL') await (await built(RUNNING_PAIRS.haproxy)).close()
    expect(left()).toEqual([])
    expect(readdirSync(tmpdir()).filter((each) => each.startsWith(`tanist-lab-${owner.pid}-`))).toEqual([])
  },
)

test('a lab that cannot be built to its end leaves no agent behind, not even one that was not there yet', async () => {
  // There is no program of this name that could be made.
  const text = `vrrp_track_process p {
  process ".."
}
vrrp_instance web {
  interface eth0
  virtual_router_id 53
  virtual_ipaddress {
    172.18.100.7/16
  }
  track_process {
    p
  }
}
`
  const source = { name: 'unmade.conf', text }
  await expect(built({ name: 'unmade', director1: source, director2: source })).rejects.toThrow()
  const own = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'args='], { encoding: 'utf8' })
  expect(own).not.toContain('agent-process')
})

test('nothing of this host is another one than before', () => {
  expect(hostText()).toBe(before)
})
