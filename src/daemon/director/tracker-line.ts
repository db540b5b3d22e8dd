import type { TrackerResult } from '../../model/tracking.ts'

/** What the log says of a tracker when its value is another one. Of scripts, in the words that keepalived's users look for. */
export function trackerLine({ kind, name, value }: TrackerResult): {
  readonly level: 'info' | 'warn'
  readonly text: string
} {
  const level = value.type === 'bad' ? 'warn' : 'info'
  switch (kind) {
    case 'script':
      return { level, text: `VRRP_Script(${name}) ${value.type === 'good' ? 'succeeded' : 'failed'}` }
    case 'file':
      return { level, text: `Track file ${name} has the number ${value.type === 'number' ? value.value : 0}` }
    case 'process':
      return { level, text: `Quorum ${value.type === 'good' ? 'gained' : 'lost'} for tracked process ${name}` }
  }
}
