import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collectDiagnostics } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { checkHost } from '../../src/host/host-check.ts'
import { lackingFeatures } from '../../src/forward/ebpf/kernel.ts'
import { surroundings } from '../support/surroundings.ts'

/** Root's own folder: nobody else can change what leads to it. */
const directory = mkdtempSync('/root/tanist-host-')
afterAll(() => rmSync(directory, { recursive: true }))
const script = join(directory, 'check.sh')
beforeAll(() => {
  writeFileSync(script, '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(join(directory, 'text'), 'no script', { mode: 0o644 })
  mkdirSync(join(directory, 'open'))
  chmodSync(join(directory, 'open'), 0o777)
  writeFileSync(join(directory, 'open/check.sh'), '#!/bin/sh\n', { mode: 0o755 })
  symlinkSync(join(directory, 'open/check.sh'), join(directory, 'link.sh'))
  writeFileSync(join(directory, 'owned.sh'), '#!/bin/sh\n', { mode: 0o755 })
  chownSync(join(directory, 'owned.sh'), 1, 1)
})

function check(text: string): string[] {
  const { settings, places } = loadConfig({ name: 'x.conf', text }, surroundings())
  const { diagnostics, report } = collectDiagnostics()
  checkHost(settings, places, report)
  return diagnostics.map(({ code, message }) => `${code}: ${message}`)
}

const instance = (inside: string) => `vrrp_instance a {\nvirtual_router_id 1\n${inside}\n}`

describe('a real server that is this host itself', () => {
  const file = (head: string, inside: string, real: string) =>
    check(`virtual_server ${head} {\n${inside}\nreal_server ${real} {\n}\n}`).filter((line) =>
      line.includes('own-port'),
    )
  const NAT = 'lvs_method NAT'

  test.each([
    ['10.0.0.1 53', `${NAT}\nprotocol UDP`, '127.0.0.1 5353'],
    ['10.0.0.1 9', `${NAT}\nprotocol SCTP`, '127.0.0.1 10'],
    ['10.0.0.1 80', `${NAT}\nthrough_firewall`, '127.0.0.1 8080'],
    ['fwmark 1', NAT, '127.0.0.1 8080'],
  ])('with a port that it cannot have: %s %s %s', (head, inside, real) => {
    expect(file(head, inside, real)).toEqual([
      expect.stringMatching(/^host-own-port: real server 127\.0\.0\.1 \d+ is this/),
    ])
  })

  test.each([
    ['10.0.0.1 80', NAT, '127.0.0.1 8080'],
    ['10.0.0.1 53', `${NAT}\nprotocol UDP`, '127.0.0.1 53'],
    ['10.0.0.1 53', 'lvs_method DR\nprotocol UDP', '127.0.0.1 5353'],
    ['10.0.0.1 53', `${NAT}\nprotocol UDP`, '203.0.113.9 5353'],
    ['fwmark 1', `${NAT}\nmark {\nTCP 10.0.0.1 80\n}`, '127.0.0.1 8080'],
  ])('with one that it can have: %s %s %s', (head, inside, real) => {
    expect(file(head, inside, real)).toEqual([])
  })
})

describe('what a file names and this host does not have', () => {
  test('nothing is said when all is there', () => {
    expect(check(instance(`interface lo\nnotify "${script} a b" root`))).toEqual([])
  })

  test.each([
    ['an interface', instance('interface none0'), 'host-interface: there is no interface `none0` here, only '],
    [
      'a tracked interface',
      instance('interface lo\ntrack_interface { none0 }'),
      'host-interface: there is no interface `none0`',
    ],
    [
      'an interface with delays',
      'interface_up_down_delays {\n none0 1\n}',
      'host-interface: there is no interface `none0`',
    ],
    ['a device of an address', instance('interface lo\nvirtual_ipaddress { 10.0.0.1 dev none0 }'), '`none0`'],
    ['one that may come later', `global_defs { dynamic_interfaces }\n${instance('interface none0')}`, 'host-missing:'],
    [
      'an interface for XDP',
      'global_defs {\n xdp_interfaces { none0 }\n}',
      'host-interface: there is no interface `none0` here, only ',
    ],
    ['a source address', instance('interface lo\nunicast_src_ip 203.0.113.9'), 'host-address: no interface here has'],
    [
      'a source address of BFD',
      'bfd_instance s {\n neighbor_ip 203.0.113.8\n source_ip 203.0.113.9\n}',
      'host-address: no interface here has',
    ],
    [
      'a script',
      instance('interface lo\nnotify /no/such'),
      'host-script: cannot run `/no/such`: no such file or directory',
    ],
    ['a relative script', instance('interface lo\nnotify ./check.sh'), 'host-script: `./check.sh` is no absolute path'],
    ['a name', instance('interface lo\nnotify no-such'), 'host-script: there is no program `no-such` in PATH'],
    [
      'a user',
      instance(`interface lo\nnotify ${script} nobody-of-that-name`),
      'host-user: there is no user `nobody-of',
    ],
    [
      'a file to track',
      'track_file f { file /no/such\n }',
      'host-file: cannot read `/no/such`: no such file or directory',
    ],
    [
      'a directory for a pipe',
      'global_defs { notify_fifo /no/such/fifo }',
      'host-file: there is no directory `/no/such`',
    ],
    [
      'certificates that are not there',
      'global_defs { smtp_ca_file /missing.pem }',
      'host-file: smtp_ca_file /missing.pem cannot be used: no such file or directory',
    ],
    [
      'certificates of checks that are not there',
      'SSL { ca /missing.pem }',
      'host-file: ca /missing.pem of the SSL block cannot be used: no such file or directory',
    ],
    [
      'certificates of checks that are none',
      `SSL { ca ${join(directory, 'text')} }`,
      'host-file: the SSL block cannot be used: ',
    ],
    ['certificates that are none', `global_defs { smtp_ca_file ${join(directory, 'text')} }`, 'cannot be used: '],
  ])('%s', (_name, text, message) => expect(check(text).join('\n')).toContain(message))

  describe('a key file', () => {
    const keys = mkdtempSync(join(tmpdir(), 'tanist-key-'))
    afterAll(() => rmSync(keys, { recursive: true }))
    const signed = (path: string) => check(instance(`interface lo\nauth_hmac { key 1 file:${path}\n }`))

    test('that is missing, or is none, is an error', () => {
      const path = join(keys, 'key')
      expect(signed(path)).toContain(`host-file: key file ${path} cannot be used: no such file or directory`)
      writeFileSync(path, 'short')
      expect(signed(path).join()).toContain('it is not a key of 32 to 64 bytes')
    })

    test('that everybody can read is a warning', () => {
      const path = join(keys, 'key')
      writeFileSync(path, 'x'.repeat(32))
      chmodSync(keys, 0o755)
      for (const [mode, lines] of [
        [0o644, [`host-secret: everybody on this host can read the key in ${path}`]],
        [0o600, []],
      ] as const) {
        chmodSync(path, mode)
        expect(signed(path).filter((line) => line.includes(path))).toEqual(lines)
      }
    })
  })

  describe('a password that everybody can read', () => {
    const readable = mkdtempSync(join(tmpdir(), 'tanist-secret-'))
    afterAll(() => rmSync(readable, { recursive: true }))
    const secret = instance('interface lo\nauthentication {\nauth_type PASS\nauth_pass x1\n}')
    const of = (folder: string, mode: number, text = secret) => {
      const name = join(folder, 'lb.conf')
      writeFileSync(name, text)
      chmodSync(name, mode)
      const { settings, places } = loadConfig({ name, text }, surroundings())
      const { diagnostics, report } = collectDiagnostics()
      checkHost(settings, places, report)
      return diagnostics.map(({ code, severity, message }) => `${severity} ${code}: ${message}`)
    }

    test('is told once, with the mode of the file', () => {
      chmodSync(readable, 0o755)
      const twice = `${secret}\n${secret.replace(' a ', ' b ')}`
      const name = join(readable, 'lb.conf')
      expect(of(readable, 0o644, twice)).toEqual([
        `warning host-secret: everybody on this host can read this secret: the mode of \`${name}\` is 0644`,
      ])
    })

    test.each(['smtp_login { user u\n password x1\n }', 'webhook { url https://hooks.example/x1\n }'])(
      'may be one for mail or a webhook: %s',
      (block) => {
        chmodSync(readable, 0o755)
        const [line] = of(readable, 0o644, `global_defs {\n${block}\n}\n${instance('interface lo')}`)
        expect(line).toContain('everybody on this host can read this secret')
      },
    )

    test('is not there when the file, or what leads to it, keeps others out', () => {
      chmodSync(readable, 0o755)
      expect(of(readable, 0o640)).toEqual([])
      chmodSync(readable, 0o750)
      expect(of(readable, 0o644)).toEqual([])
    })

    test('is not there without a password', () => {
      chmodSync(readable, 0o755)
      expect(of(readable, 0o644, instance('interface lo'))).toEqual([])
    })
  })

  test('the interfaces are those of the own network namespace, whatever /sys shows', () => {
    const file = join(directory, 'own.conf')
    writeFileSync(file, instance('interface inner0'))
    const tanistd = join(import.meta.dirname, '../../dist/cli/tanistd.js')
    // Without a mount of its own /sys goes on showing the interfaces of the namespace before.
    const inner = `ip link add inner0 type veth peer name inner1; ls /sys/class/net; exec "$0" "$@"`
    const args = ['--net', 'sh', '-c', inner, process.execPath, tanistd, '-t', '--host', file]
    const { status, stdout } = spawnSync('unshare', args, { encoding: 'utf8' })
    expect(stdout).not.toMatch(/^inner0$/m)
    expect({ status, last: stdout.split('\n').at(-2) }).toMatchObject({ status: 0 })
  })

  test('a script that cannot be executed', () => {
    const path = join(directory, 'text')
    expect(check(`vrrp_script s { script ${path}\n }`)).toEqual([
      `host-script: cannot run \`${path}\`: permission denied`,
    ])
  })

  test('a script that others can change: which part of its path, and its mode', () => {
    const path = join(directory, 'open/check.sh')
    const message = `host-unsafe: \`${path}\` runs as root, but others can change \`${directory}/open\`: its mode is 0777`
    expect(check(`vrrp_script s { script ${path}\n }`)).toEqual([message])
    // A link is followed: what is run counts.
    expect(check(`vrrp_script s { script ${directory}/link.sh\n }`)).toEqual([message])
    // Another user's script is that user's matter.
    expect(check(`vrrp_script s { script ${path}\n user daemon\n }`)).toEqual([])
    const owned = join(directory, 'owned.sh')
    expect(check(`vrrp_script s { script ${owned}\n }`)[0]).toContain(`\`${owned}\`: it belongs to user 1 (mode 0755)`)
  })
})

describe('what the forwarding core needs of the kernel', () => {
  test('this kernel has it', () => expect(lackingFeatures()).toEqual([]))

  test('what is lacking is named; what cannot be told is not', () => {
    expect(lackingFeatures(({ name }) => name !== 'bpf_for_each_map_elem')).toEqual([
      'this kernel has no tc helper `bpf_for_each_map_elem`, which Linux 5.13 brought',
    ])
    expect(lackingFeatures(() => undefined)).toEqual([])
  })
})
