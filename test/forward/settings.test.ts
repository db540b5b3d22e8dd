import { expect, test } from 'vitest'
import { decodeSettings, encodeSettings } from '../../src/forward/ebpf/layout/settings-layout.ts'

test('what a later daemon reads of the settings is what was written', () => {
  const settings = {
    timeouts: { tcp: 901, tcpFin: 121, udp: 301 },
    markIfindex: 77,
    switches: { expireNodestConn: true, expireQuiescentTemplate: false, natIcmpSend: true },
    ownClients: true,
    closed: true,
    inertAtNs: 987_654_321_000n,
    directorMacs: 1n << 63n,
  }
  expect(decodeSettings(encodeSettings({ ...settings, defendFrom: 1234, clockOffsetNs: 5n }))).toEqual(settings)
})
