import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { surroundings } from '../support/surroundings.ts'

/** What is watched for an instance that tracks a file and a process with these blocks. */
function trackers(file: string, process: string) {
  const text = `
track_file f { file /run/f
 ${file}
}
vrrp_track_process p {
 ${process}
}
vrrp_instance a { interface eth0
 virtual_router_id 1
 track_file { f }
 track_process { p }
 virtual_ipaddress { 10.0.0.1/24 }
}`
  const { config, diagnostics } = loadConfig({ name: 'x', text }, surroundings())
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return config.scripts.trackers
}

describe('which processes are counted', () => {
  test.each([
    ['process haproxy', { command: ['haproxy'], parameters: 'ignored', fullCommand: false }],
    ['process haproxy\n full_command', { parameters: 'ignored', fullCommand: true }],
    [
      'process "/usr/sbin/a b" -x "y z"',
      { command: ['/usr/sbin/a b', '-x', 'y z'], parameters: 'equal', fullCommand: true },
    ],
    ['process a\n param_match', { parameters: 'equal', fullCommand: true }],
    ['process a b\n param_match partial', { parameters: 'partial', fullCommand: true }],
    ['param_match initial\n process a b', { parameters: 'initial', fullCommand: true }],
  ])('%s', (block, expected) => expect(trackers('', block).processes).toMatchObject([expected]))

  test.each([
    ['', { quorum: 1, quorumMax: undefined }],
    ['quorum 2\n quorum_max 3', { quorum: 2, quorumMax: 3 }],
    ['quorum_max 0', { quorum: 0, quorumMax: 0 }],
    ['quorum 2\n quorum_max 0', { quorum: 2, quorumMax: undefined }],
    ['quorum 3\n quorum_max 2', { quorum: 3, quorumMax: undefined }],
    ['delay 2.5\n fork_delay 1', { terminateDelay: 2500, forkDelay: 1000 }],
  ])('how many: %s', (block, expected) =>
    expect(trackers('', `process a\n ${block}`).processes).toMatchObject([expected]),
  )
})

test.each([
  ['', undefined],
  ['init_file', { value: 0, overwrite: false }],
  ['init_file -5 overwrite', { value: -5, overwrite: true }],
  ['init_file overwrite 5', { value: 5, overwrite: true }],
])('how a file begins: %s', (block, init) => {
  expect(trackers(block, 'process a').files).toStrictEqual([{ name: 'f', path: '/run/f', init }])
})
