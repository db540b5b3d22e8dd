import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'

const TANISTD = join(import.meta.dirname, '../../dist/cli/tanistd.js')
const lab = new Lab()
const whole = `vrrp_instance a {
  interface eth0
  virtual_router_id 9
  priority 200
  version 3
  advert_int 0.1
  virtual_ipaddress { 10.77.0.9/24 }
}
`
const partial = whole.replace('priority', 'lvs_sync_daemon_interface eth0\n  priority')
const LINE = /lvs_sync_daemon: at .*\.conf:4:3: connections are not synchronised with the other director/

beforeAll(() => {
  lab.addSwitch('lan')
  lab.addHost('whole', [{ switch: 'lan', address: '10.77.0.1/24' }])
  lab.addHost('partial', [{ switch: 'lan', address: '10.77.0.2/24' }])
})
afterAll(() => lab.destroy())

function tanistd(director: DirectorHost, ...args: readonly string[]) {
  const [command, ...rest] = lab.enter(director.host, [process.execPath, TANISTD, '-f', director.file, ...args])
  const { status, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: 20_000 })
  return { status, stderr }
}

test('tanistd does not start a file with protections that do not run, and names them', () => {
  const { status, stderr } = tanistd(new DirectorHost(lab, 'whole', partial), '--socket', join(lab.directory, 'x.sock'))
  expect(status).toBe(7)
  expect(stderr).toMatch(
    /^1 protection does not run; tanistd --partial runs the rest all the same:\n {2}lvs_sync_daemon/,
  )
  expect(stderr).toMatch(LINE)
})

test('without --partial a reload refuses what brings such a protection; the configuration in force stays', async () => {
  const director = new DirectorHost(lab, 'whole', whole)
  await director.start()
  await director.untilState('master')
  director.configure(partial)
  const { status, stdout, stderr } = director.tanist('reload')
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(LINE)
  const { configuration, instances } = await director.status()
  expect(configuration.notRunning).toEqual([])
  expect(configuration.refused.join('\n')).toMatch(LINE)
  expect(instances.map(({ state }) => state)).toEqual(['master'])
  // What is on the host can be taken off with any file that was accepted.
  await director.stop()
  expect(tanistd(director, '--release')).toEqual({ status: 0, stderr: '' })
})

test('with --partial it starts; log, status and reload say what does not run for as long as it does not', async () => {
  const director = new DirectorHost(lab, 'partial', partial, ['--partial'])
  await director.start()
  expect((await director.status()).configuration.notRunning).toMatchObject([{ feature: 'lvs_sync_daemon', uses: 1 }])
  expect(director.tanist('status').stdout).toMatch(/1 protection does not run:\n {2}lvs_sync_daemon: at /)
  const warnings = () =>
    director
      .logText()
      .split('\n')
      .filter((line) => line.includes('"level":40') && LINE.test(line))
  expect(warnings()).toHaveLength(1)
  const again = director.tanist('reload')
  expect(again).toMatchObject({ status: 0, stdout: 'reloaded\n' })
  expect(again.stderr).toMatch(LINE)
  director.configure(whole)
  expect(director.tanist('reload')).toEqual({ status: 0, stdout: 'reloaded\n', stderr: '' })
  expect(director.tanist('status').stdout).not.toContain('lvs_sync_daemon')
  await director.stop()
  expect(warnings()).toHaveLength(2)
})
