import type { Lab } from './lab.ts'

/**
 * A client outside (10.0.0.10), a director between (10.0.0.1 on eth0 and 192.168.1.1 on eth1), which has the virtual addresses 10.0.0.V on eth0
 * and forwards, and real servers inside (`rsN` with 192.168.1.N), whose way to clients is the director: what NAT needs.
 */
export function addBalancedHosts(lab: Lab, servers: readonly number[], virtual: readonly number[] = [100]): void {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('client', [{ switch: 'outside', address: '10.0.0.10/24' }])
  lab.addHost('director', [
    { switch: 'outside', address: '10.0.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  for (const last of virtual) lab.run('director', ['ip', 'address', 'add', `10.0.0.${last}/24`, 'dev', 'eth0'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  for (const last of servers)
    lab.addHost(`rs${last}`, [{ switch: 'inside', address: `192.168.1.${last}/24` }], '192.168.1.1')
}
