import { afterAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
afterAll(() => lab.destroy())

const instance = (name: string, vrid: number) => `vrrp_instance ${name} {
  interface eth0
  virtual_router_id ${vrid}
  version 3
  advert_int 0.1
  virtual_ipaddress { 10.77.0.9/24 }
}
`

test('an address of two instances stays while one of them is master', async () => {
  lab.addSwitch('lan')
  lab.addHost('lb', [{ switch: 'lan', address: '10.77.0.1/24' }])
  const director = new DirectorHost(lab, 'lb', instance('a', 9) + instance('b', 10))
  await director.start()
  await director.untilState('master')
  const monitor = lab.start('lb', ['ip', 'monitor', 'address'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let seen = ''
  monitor.stdout?.on('data', (data: Buffer) => (seen += data.toString()))
  /** Everything before it has been seen as well. */
  const mark = (address: string) =>
    until(`${address} to be seen`, () => {
      lab.run('lb', ['ip', 'address', 'replace', `${address}/32`, 'dev', 'eth0'])
      return seen.includes(address)
    })
  await mark('10.77.0.71')
  director.configure(instance('a', 9))
  expect(await director.reload()).toEqual([])
  await until('b to be gone', async () => (await director.status()).instances.length === 1)
  await mark('10.77.0.72')
  expect(seen).not.toMatch(/Deleted .*10\.77\.0\.9\//)
  await director.stop()
  const shown = () => lab.run('lb', ['ip', '-o', 'address', 'show', 'dev', 'eth0'])
  expect(shown()).toMatch(/10\.77\.0\.9\/24 .*valid_lft \d+sec/)
  await until('the kernel to remove it', () => !shown().includes('10.77.0.9/'), 20_000)
})
