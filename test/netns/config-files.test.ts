import { spawnSync } from 'node:child_process'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'

const TANISTD = join(import.meta.dirname, '../../dist/cli/tanistd.js')
const lab = new Lab()
const good = 'virtual_server 10.9.0.100 80 {\n  protocol TCP\n  real_server 192.168.1.11 80 { }\n}\n'
let director: DirectorHost
beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.9.0.1/24' }])
  director = new DirectorHost(lab, 'director', good)
  await director.start()
})
afterAll(() => lab.destroy())

const fifo = (path: string) => void spawnSync('mkfifo', [path])
const zero = (path: string) => symlinkSync('/dev/zero', path)

test.each([
  ['FIFO', fifo, 'it is a pipe'],
  ['endless device', zero, 'it is a device'],
])(
  'a %s in place of the file, or of one that it includes: a reload is refused at once',
  async (_kind, make, reason) => {
    rmSync(director.file)
    make(director.file)
    expect((await director.reload()).join()).toContain(reason)
    const started = spawnSync(process.execPath, [TANISTD, '-f', director.file], { encoding: 'utf8', timeout: 10_000 })
    expect(started).toMatchObject({ status: 4, stderr: expect.stringContaining(reason) })

    rmSync(director.file)
    const part = join(lab.directory, 'part.conf')
    make(part)
    writeFileSync(director.file, `${good}include part.conf\n`)
    expect((await director.reload()).join()).toContain(reason)
    rmSync(part)

    const { configuration, services } = await director.status()
    expect(configuration.refused).toHaveLength(1)
    expect(services).toHaveLength(1)
    director.configure(good)
    expect(await director.reload()).toEqual([])
  },
)
