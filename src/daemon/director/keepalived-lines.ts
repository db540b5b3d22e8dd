import type { TrackerResult } from '../../model/tracking.ts'

/** What the log says of a round of a checker: with keepalived's words behind our own. `id` is that of a `CheckerTask`. */
export function verdictLine(id: string, up: boolean, reason: string): string {
  const known = checkLine(id, up, reason)
  return `${id} ${up ? 'success' : 'failed'}: ${reason}${known === undefined ? '' : ` (${known})`}`
}

/** What keepalived says of a round of a checker; undefined: nothing. */
function checkLine(id: string, up: boolean, reason: string): string | undefined {
  const [, address = '', port = '', type = ''] = /(\[[^\]]*\]):(\d+) \d+ (\w+)$/.exec(id) ?? []
  const server = `${address}:tcp:${port}`
  switch (type) {
    case 'TCP_CHECK':
      return `TCP connection to ${server} ${up ? 'success' : 'failed'}.`
    case 'HTTP_GET':
    case 'SSL_GET': {
      if (up) return `Remote Web server ${server} succeed on service.`
      const [, path, digest] = /^digest of (.*) is (\w+)$/.exec(reason) ?? []
      if (digest !== undefined) return `MD5 digest error to ${server} url[${path}], MD5SUM [${digest}].`
      if (/^status \d/.test(reason)) return `HTTP status code error to ${server}`
      return reason.startsWith('no answer')
        ? `Timeout connecting server ${server}.`
        : `Error connecting server ${server}.`
    }
    default:
      return undefined
  }
}

/** What keepalived says when a script or the processes of a tracker are not what they were. `before`: undefined at first. */
export function trackerLines(before: TrackerResult | undefined, now: TrackerResult): readonly string[] {
  const { kind, name, value, detail } = now
  if (value.type === 'number') return []
  const isGood = value.type === 'good'
  const isNews = before?.value.type !== value.type
  switch (kind) {
    case 'script': {
      const status = /^exit status (\d+)/.exec(detail)?.[1]
      const isTimeOut = !isGood && /^no end within|time limit/.test(detail)
      const failure = status === undefined ? '' : ` (exited with status ${status})`
      const how = isGood ? 'succeeded' : isTimeOut ? 'timed_out' : `failed${failure}`
      const wasStatus = before === undefined ? '0' : /^exit status (\d+)/.exec(before.detail)?.[1]
      return [
        ...(status === undefined || status === wasStatus ? [] : [`Script \`${name}\` now returning ${status}`]),
        ...(isNews ? [`VRRP_Script(${name}) ${how}`] : []),
      ]
    }
    case 'process':
      return isNews ? [`Quorum ${isGood ? 'gained' : 'lost'} for tracked process ${name}`] : []
    case 'file':
    case 'bfd':
      return []
  }
}
