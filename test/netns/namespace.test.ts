import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Lab, until } from '../support/lab.ts'

const TANISTD = join(import.meta.dirname, '../../dist/bin/tanistd.js')
const lab = new Lab()
afterAll(() => lab.destroy())

function write(namespace: string): string {
  const file = join(lab.directory, 'namespace.conf')
  writeFileSync(
    file,
    `net_namespace ${namespace}
vrrp_instance a { interface eth0
  virtual_router_id 9
  priority 200
  version 3
  advert_int 0.2
  virtual_ipaddress { 10.77.0.9/24 } }`,
  )
  return file
}

test('net_namespace: started outside, the daemon works inside, under the number that it was started with', async () => {
  lab.addSwitch('lan')
  lab.addHost('inside', [{ switch: 'lan', address: '10.77.0.1/24' }])
  const name = lab.directorName('inside')
  const socket = join(lab.directory, 'namespace.sock')
  const child = spawn(process.execPath, [TANISTD, '-f', write(name), '--name', name, '--socket', socket], {
    stdio: 'ignore',
  })
  const hasAddress = () => lab.run('inside', ['ip', '-o', 'addr']).includes('10.77.0.9/24')
  await until('the virtual address', hasAddress)
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' })
  const pids = stdout.trim().split('\n').map(Number)
  expect(pids).toContain(child.pid)
  const ended = once(child, 'exit')
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await ended
  expect(hasAddress()).toBe(true)
  // With no file to name the namespace, the memory of the addresses does.
  const args = ['--release', '-f', join(lab.directory, 'missing.conf'), '--name', name]
  expect(spawnSync(process.execPath, [TANISTD, ...args]).status).toBe(0)
  expect(hasAddress()).toBe(false)
})

test('a namespace that is not there: one sentence, and no start', () => {
  const { status, stderr } = spawnSync(process.execPath, [TANISTD, '-f', write('no-such')], { encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stderr).toContain('tanistd: cannot enter the network namespace no-such: no such file or directory')
})
