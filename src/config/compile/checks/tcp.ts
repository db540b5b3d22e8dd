import type { Check, CheckSchedule, TcpTalk } from '../../../model/check.ts'
import type { RealServerSettings } from '../../keywords/root.ts'

type TcpCheck = RealServerSettings['TCP_CHECK'][number]

/** As whom a database is asked when the file does not say it; nobody need be called so. */
const USER = 'tanist'

export function tcpCheck(check: TcpCheck, schedule: CheckSchedule): Check {
  const talk = talkOf(check)
  return { ...schedule, type: 'TCP_CHECK', ...(talk === undefined ? {} : { talk }) }
}

function talkOf({ protocol, user = USER, service = '', ...said }: TcpCheck): TcpTalk | undefined {
  switch (protocol) {
    case 'mysql':
    case 'postgresql':
      return { protocol, user }
    case 'redis':
    case 'amqp':
    case 'ldap':
      return { protocol }
    case 'grpc':
      return { protocol, service }
    case undefined: {
      const [send, expect] = [said.send ?? said.send_hex, said.expect ?? said.expect_hex]
      return send === undefined && expect === undefined ? undefined : { protocol: 'bytes', send, expect }
    }
  }
}
