import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ACTIONS } from '../../src/drill/language/actions.ts'

const ROOT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'tanist-drill-'))
afterAll(() => rmSync(folder, { recursive: true }))

function drill(...args: readonly string[]) {
  const program = join(ROOT, 'src/bin/tanist.ts')
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, 'drill', ...args], {
    encoding: 'utf8',
    cwd: folder,
  })
  return { stdout, stderr, status }
}
function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return name
}

cpSync(join(ROOT, 'conf/drills/election.conf'), join(folder, 'election.conf'))
const good = file(
  '07-good.yaml',
  `drill: the cable is pulled
why: It shows that the standby follows. That is what it is for.
promise: the take-over time
not keepalived: it is not here
pair: { file: election.conf, priorities: [150, 100] }
needs: [ preemption ]
traffic: [ probe: icmp ]
steps:
  - pull cable: active
  - wait for: { holds: standby, within: takeover + 1 s }
  - repeat: { times: 2, steps: [ wait: 500 ms ] }
claims:
  - outage: takeover
`,
)
const bad = file('bad.yaml', 'drill: a\nwhy: b\nsteps:\n  - pul cable: active\n  - wait: 2\n')

describe('drill list', () => {
  test('shows the drill book: what each promises, and whether it runs, here and with keepalived', () => {
    const { stdout, stderr, status } = drill('list')
    expect([stderr, status]).toEqual(['', 0])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(61)
    expect(lines[0]).toMatch(/^NO {2}DRILL +RUNS {2}KEEPALIVED {2}PROMISE$/)
    expect(lines[1]).toMatch(/^01 {2}the election process of the master is killed +yes {3}yes {9}nothing is lost/)
    expect(lines[8]).toMatch(/^08 {2}.* +no {4}no {10}no state changes$/)
  })

  test('of another folder tells of the files that have mistakes, and shows the others', () => {
    const { stdout, stderr, status } = drill('list', '.')
    expect(status).toBe(5)
    expect(stdout).toBe(
      'NO  DRILL                RUNS  KEEPALIVED  PROMISE\n07  the cable is pulled  yes   no          the take-over time\n',
    )
    expect(stderr).toContain('bad.yaml:4:5: error[unknown-keyword]: unknown action `pul cable`')
  })

  test('as JSON', () => {
    const [first] = JSON.parse(drill('list', '.', '--json').stdout) as readonly unknown[]
    expect(first).toEqual({
      file: '07-good.yaml',
      number: 7,
      name: 'the cable is pulled',
      promise: 'the take-over time',
      cannotRun: null,
      notKeepalived: 'it is not here',
      needs: ['preemption'],
    })
  })

  test('says that a folder is not there', () => {
    expect(drill('list', 'nowhere')).toEqual({
      stdout: '',
      stderr: 'tanist: cannot read nowhere: no such file or directory\n',
      status: 4,
    })
  })

  test('of actions has each, with an example', () => {
    const { stdout, status } = drill('list', '--actions')
    expect(status).toBe(0)
    const missing = Object.entries(ACTIONS).filter(([, { example }]) => !stdout.includes(`      - ${example}\n`))
    expect(missing).toEqual([])
    expect(stdout).toContain('\n  pull cable (in the lab only)\n      Takes a machine from the network')
    const all = JSON.parse(drill('list', '--actions', '--json').stdout) as readonly { readonly name: string }[]
    expect(all.map(({ name }) => name).toSorted()).toEqual(Object.keys(ACTIONS).toSorted())
  })
})

describe('drill explain', () => {
  test('says what a drill shows, does, claims and needs', () => {
    expect(drill('explain', good)).toEqual({
      stdout: `07: the cable is pulled

  It shows that the standby follows. That is what it is for.

Promise
  The take-over time.

Not with keepalived
  It is not here.

The client, all the while
   - A ping of the virtual address each millisecond

Step by step
   1. Pull the cable of the active director
   2. Wait until the standby has all virtual addresses; within the take-over time and 1 s
   3. Wait 500 ms
   4. Wait 500 ms

Claims of the whole drill
   - No probe is unanswered for longer than the take-over time

A pair needs
   - Two directors; without other ones they have election.conf, with the priorities 150 and 100
   - A director that takes its role back by priority
`,
      stderr: '',
      status: 0,
    })
  })

  test('knows the drills of the book by their numbers, and says why one cannot run', () => {
    expect(drill('explain', '1').stdout).toMatch(/^01: the election process of the master is killed\n/)
    expect(drill('explain', '08').stdout).toMatch(/\nCannot be run\n {2}The clock of the day is one for all/)
  })

  test('says that the book has no such number, and that there is no such file', () => {
    expect(drill('explain', '99')).toEqual({
      stdout: '',
      stderr: 'tanist: the drill book has no number 99; `tanist drill list` shows all\n',
      status: 1,
    })
    expect(drill('explain', 'none.yaml')).toMatchObject({
      stderr: 'tanist: cannot read none.yaml: no such file or directory\n',
      status: 4,
    })
  })

  test('shows mistakes in place of an explanation', () => {
    expect(drill('explain', bad)).toMatchObject({ stdout: '', status: 5 })
  })
})

describe('drill check', () => {
  test('says that files are good', () => {
    expect(drill('check', good)).toEqual({ stdout: '07-good.yaml: good\n', stderr: '', status: 0 })
  })

  test('finds nothing wrong with the whole book', () => {
    const numbers = Array.from({ length: 60 }, (_, i) => String(i + 1))
    const { stderr, status } = drill('check', ...numbers)
    expect([stderr, status]).toEqual(['', 0])
  })

  test('shows all mistakes of all files, and ends as tanistd -t does', () => {
    expect(drill('check', good, bad)).toEqual({
      stdout: '07-good.yaml: good\n',
      stderr: `bad.yaml:4:5: error[unknown-keyword]: unknown action \`pul cable\`
    4 |   - pul cable: active
      |     ^^^^^^^^^ do you mean pull cable?
bad.yaml:5:11: error[bad-value]: \`2\` is not a duration such as 500 ms, 2 s or 1 min
    5 |   - wait: 2
      |           ^ do you mean 2 s, or 2 ms?
`,
      status: 5,
    })
  })

  test('looks into the configurations of the pair, also into those in the drill itself', () => {
    const text = 'drill: a\nwhy: b\nsteps: [ stop: active ]\npair:\n'
    const missing = file('missing.yml', `${text}  file: gone.conf\n`)
    expect(drill('check', missing)).toMatchObject({
      stderr: 'tanist: cannot read gone.conf: no such file or directory\n',
      status: 4,
    })
    const wrong = file('wrong.yml', `${text}  text: |\n    vrrp_instance web {\n        interfase eth0\n    }\n`)
    const { stderr, status } = drill('check', wrong)
    expect(status).toBe(5)
    expect(stderr).toContain('2:5: error[unknown-keyword]: unknown keyword `interfase` in vrrp_instance')
    expect(stderr.match(/interfase eth0/g)).toHaveLength(1)
  })
})
