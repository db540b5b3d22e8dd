import type { CheckSchedule, TcpTalk } from '../../model/check.ts'
import type { Note } from '../steps.ts'
import { type Conversation, converse } from './conversation.ts'
import type { Finding } from './finding.ts'
import { askAmqp } from './protocols/amqp.ts'
import { exchangeBytes } from './protocols/bytes.ts'
import { probeGrpc } from './protocols/grpc.ts'
import { askLdap } from './protocols/ldap.ts'
import { askMysql } from './protocols/mysql.ts'
import { askPostgresql } from './protocols/postgresql.ts'
import { askRedis } from './protocols/redis.ts'

/** A server that accepts a connection also says what it should. */
export const probeTalk = (check: CheckSchedule, talk: TcpTalk, note?: Note): Promise<Finding> =>
  talk.protocol === 'grpc'
    ? probeGrpc(check, talk.service, note)
    : converse(check, note, (conversation) => ask(conversation, talk))

async function ask(conversation: Conversation, talk: Exclude<TcpTalk, { protocol: 'grpc' }>): Promise<Finding> {
  switch (talk.protocol) {
    case 'bytes':
      return exchangeBytes(conversation, talk)
    case 'redis':
      return askRedis(conversation)
    case 'mysql':
      return askMysql(conversation, talk.user)
    case 'postgresql':
      return askPostgresql(conversation, talk.user)
    case 'amqp':
      return askAmqp(conversation)
    case 'ldap':
      return askLdap(conversation)
  }
}
