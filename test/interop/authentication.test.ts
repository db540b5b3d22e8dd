import { describe, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

const TANIST = '10.0.0.1'
const KEEPALIVED = '10.0.0.2'
const VIP = '10.0.0.100'

const config = (priority: number, more: string) => `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority ${priority}
  ${more}
  virtual_ipaddress {
    ${VIP}/24
  }
}
`
const authentication = (type: string, password = 'secret99') =>
  `authentication {\n auth_type ${type}\n auth_pass ${password}\n }`

async function buildLab(): Promise<{ lab: Lab; capture: Capture }> {
  const lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('tanist', [{ switch: 'lan', address: `${TANIST}/24` }])
  lab.addHost('keepalived', [{ switch: 'lan', address: `${KEEPALIVED}/24` }])
  return { lab, capture: await Capture.start(lab, 'lan', 'ip proto 51 or ip proto 112') }
}

describe.concurrent.each(['tanist', 'keepalived'] as const)('AH, with %s as the first master', (master) => {
  test.each(['multicast', 'unicast'])('%s: one master, a takeover, and back', async (cast) => {
    const { lab, capture } = await buildLab()
    try {
      await story(cast, lab, capture)
    } finally {
      lab.destroy()
    }
  })

  async function story(cast: string, lab: Lab, capture: Capture): Promise<void> {
    const file = (priority: number, own: string, peer: string) =>
      config(
        priority,
        `${authentication('AH')}\n${cast === 'unicast' ? `unicast_src_ip ${own}\nunicast_peer { ${peer} }` : ''}`,
      )
    const [ours, theirs] = master === 'tanist' ? [150, 100] : [100, 150]
    const tanist = new DirectorHost(lab, 'tanist', file(ours, TANIST, KEEPALIVED))
    const keepalived = new KeepalivedHost(lab, 'keepalived', file(theirs, KEEPALIVED, TANIST))
    keepalived.start()
    await tanist.start()
    const owners = () => String([tanist.addresses().includes(VIP), keepalived.has(VIP)])
    const [normal, other] = master === 'tanist' ? ['true,false', 'false,true'] : ['false,true', 'true,false']
    await until(`${master} alone to have the address`, () => owners() === normal, 15_000)
    lab.cable(master, 0, 'down')
    await until('the other one alone to have it', () => owners() === other, 15_000)
    lab.cable(master, 0, 'up')
    await until(`${master} alone to have the address again`, () => owners() === normal, 15_000)
    if (master === 'tanist') await tanist.stop()
    else keepalived.stop()
    await until('the other one alone to have it', () => owners() === other, 15_000)
    expect(capture.text).toContain('AH(length=4(24-bytes),spi=0x0a000001')
    expect(capture.text).not.toMatch(/bad|truncated|invalid/)
  }
})
