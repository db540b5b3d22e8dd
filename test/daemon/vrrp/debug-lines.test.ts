import { expect, test } from 'vitest'
import { effectText, eventText } from '../../../src/daemon/vrrp/debug-lines.ts'
import { emptyEngine, type Event } from '../../../src/vrrp/state.ts'
import { step } from '../../../src/vrrp/engine.ts'
import { millis } from '../../../src/time.ts'
import { anInstance } from '../../vrrp/instances.ts'

test('the debug lines of an election tell its events and effects, and no password', () => {
  const config = anInstance({ priority: 255, authentication: { type: 'pass', password: 'hunter22' } })
  const eth0 = {
    name: config.interface,
    index: 2,
    mac: '02:00:00:00:00:01',
    up: true,
    addresses: [{ address: '10.0.0.1', prefix: 24, primary: true, tentative: false }],
  }
  const events = [
    { type: 'configure', instances: [config], groups: [], linkDelays: [], results: [] },
    { type: 'network', interfaces: [eth0] },
    { type: 'deadline' },
    { type: 'stop', keepAddresses: false },
  ] as readonly Event[]
  let state = emptyEngine
  const lines: string[] = []
  for (const [i, event] of events.entries()) {
    lines.push(eventText(event))
    const stepped = step(state, event, millis(10_000 * i))
    state = stepped.state
    lines.push(...stepped.effects.map(effectText))
  }
  const text = lines.join('\n')
  expect(text).toContain('configure a, 0 sync groups')
  expect(text).toContain('a: init → ')
  expect(text).toContain('a: advertise priority 255 from ')
  expect(text).not.toContain('hunter22')
})
