import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { surroundings } from '../support/surroundings.ts'

const checks = (text: string, around = '') => {
  const real = `real_server 10.1.0.1 80 {\n weight 10\n${text}\n}`
  const file = `${around}\nvirtual_server 10.0.0.1 80 {\n protocol TCP\n delay_loop 7\n${real}\n}\n`
  const { config, diagnostics } = loadConfig({ name: 'x', text: file }, surroundings())
  if (config === undefined) throw new Error(JSON.stringify(diagnostics))
  return { checks: config.virtualServers[0]?.realServers[0]?.checks, scripts: config.scripts }
}

test('MISC_CHECK: defaults, and a user of its block or behind the command', () => {
  const misc = (inside: string) => checks(`MISC_CHECK {\n misc_path "/bin/check a 'b c'"${inside}\n}`).checks?.[0]
  expect(misc('')).toEqual({
    type: 'MISC_CHECK',
    command: { argv: ['/bin/check', 'a', 'b c'], user: undefined, group: undefined },
    timeout: 7000,
    dynamic: false,
    delayLoop: 7000,
    retry: 0,
    delayBeforeRetry: 1000,
    warmup: 7000,
  })
  expect(misc('\nmisc_timeout 2\nmisc_dynamic\nretry 3\ndelay_before_retry 4\nwarmup 0\ndelay_loop 9')).toMatchObject({
    timeout: 2000,
    dynamic: true,
    delayLoop: 9000,
    retry: 3,
    delayBeforeRetry: 4000,
    warmup: 0,
  })
  expect(misc('\nuser web staff')).toMatchObject({ command: { user: 'web', group: 'staff' } })
  expect(misc(' other\nuser web staff')).toMatchObject({ command: { user: 'other', group: undefined } })
})

test('AGENT_CHECK: what is sent has its escapes, and a failure counts at once', () => {
  const agent = (inside: string) =>
    checks(`TCP_CHECK {\n}\nAGENT_CHECK {\n connect_port 9707\n${inside}\n}`).checks?.[1]
  expect(agent('')).toMatchObject({ type: 'AGENT_CHECK', target: { port: 9707 }, retry: 0, send: '' })
  expect(agent('agent_send "web/1 a\\n"\nretry 2')).toMatchObject({ retry: 2, send: 'web/1 a\n' })
})

test('FILE_CHECK: the factor is its own, else that of the file, else 1, and the file is watched for it alone', () => {
  const file = (inside: string, block = '') =>
    checks(`FILE_CHECK {\n track_file f\n${inside}\n}`, `track_file f {\n file /run/f\n${block}\n}`)
  expect(file('').checks).toEqual([{ type: 'FILE_CHECK', file: 'f', weight: 1, reverse: false }])
  expect(file('', 'weight 0 reverse').checks).toMatchObject([{ weight: 0, reverse: true }])
  expect(file('weight -1000', 'weight 0 reverse').checks).toMatchObject([{ weight: -1000, reverse: false }])
  expect(file('', 'init_file 3').scripts.trackers.files).toEqual([
    { name: 'f', path: '/run/f', init: { value: 3, overwrite: false } },
  ])
})

test('BFD_CHECK: by the name of its session', () => {
  const bfd = (flags: string) =>
    checks('BFD_CHECK {\n name b\n}', `bfd_instance b {\n neighbor_ip 10.1.0.1\n${flags}\n}`)
  for (const flags of ['', 'checker', 'vrrp\nchecker'])
    expect(bfd(flags).checks).toEqual([{ type: 'BFD_CHECK', session: 'b' }])
})
