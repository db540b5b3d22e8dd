import { removeStatement } from '../fix.ts'
import type { Rule } from './rule.ts'

/** `protocol` says itself what is sent and expected; of two ways to write the same one counts. */
export const talksAreOfOneKind: Rule = (settings, places, report) => {
  const reals = settings.virtual_server.flatMap(({ real_server: servers }) => servers)
  for (const check of reals.flatMap((real) => real.TCP_CHECK)) {
    const { protocol } = check
    const without = (keyword: 'send' | 'send_hex' | 'expect' | 'expect_hex' | 'user' | 'service', why: string) => {
      if (check[keyword] === undefined) return
      const at = places.of(check, keyword)
      report('ignored-value', at, `${why}; this has no effect`, 'leave it out', removeStatement(at))
    }
    if (protocol !== 'mysql' && protocol !== 'postgresql') without('user', '`user` is for mysql and postgresql')
    if (protocol !== 'grpc') without('service', '`service` is for grpc')
    if (protocol !== undefined) {
      for (const keyword of ['send', 'send_hex', 'expect', 'expect_hex'] as const) {
        without(keyword, `\`protocol ${protocol}\` says what is sent and expected`)
      }
    } else {
      if (check.send !== undefined) without('send_hex', '`send` says what is sent')
      if (check.expect !== undefined) without('expect_hex', '`expect` says what is expected')
    }
  }
}
