const service = (inside: string, head: string) => `virtual_server ${head} {\n  protocol TCP\n  ${inside}\n}`
const server = 'real_server 10.1.0.1 80 { TCP_CHECK { } }'

/** Files that break a rule about groups: the text, the code, and a part of the message. */
export const groupCases: Readonly<Record<string, readonly (readonly [text: string, code: string, message: string])[]>> =
  {
    groupsExist: [[service(server, 'group g'), 'unknown-name', 'there is no virtual_server_group `g`']],
    groupsAreOfUse: [
      ['virtual_server_group g { 10.0.0.1 80 }', 'unused', 'no virtual_server uses the group `g`'],
      [`virtual_server_group g { }\n${service(server, 'group g')}`, 'unused', 'the group `g` is empty'],
    ],
    groupsFit: [
      [
        `virtual_server_group g { 10.0.0.0/16 80 }\n${service(server, 'group g')}`,
        'too-many',
        'holds 1 to 1024 addresses',
      ],
    ],
    servicesAreUnique: [
      [
        `virtual_server_group g { 10.0.0.1-9 80 }\n${service(server, 'group g')}\n${service(server, '10.0.0.9 80')}`,
        'duplicate-server',
        '[10.0.0.9]:tcp:80 belongs to another virtual_server',
      ],
      [
        `virtual_server_group g { fwmark 1\n fwmark 1 }\n${service(server, 'group g')}`,
        'repeated-address',
        'FWM 1 is in',
      ],
    ],
    groupsReachTheirServers: [
      [
        `virtual_server_group g { fwmark 1 inet6 }\n${service(server, 'group g')}`,
        'mixed-families',
        'the group has IPv6',
      ],
    ],
    groupsHaveTheirMarks: [
      [
        `virtual_server_group g { fwmark 1 }\n${service(`mark { TCP 10.0.0.1 80 }\n${server}`, 'group g')}`,
        'ignored-value',
        '`mark` is for one firewall mark',
      ],
    ],
  }
