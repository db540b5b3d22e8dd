import type { TrackerResult, Trackers } from '../../model/tracking.ts'

/** Names are unique within a kind. */
export const trackerKey = ({ kind, name }: Pick<TrackerResult, 'kind' | 'name'>): string => `${kind} ${name}`

/** Of all that a configuration has: what is known of others is to be forgotten. */
export function trackerKeys({ scripts, files, processes }: Trackers): ReadonlySet<string> {
  const of = (kind: TrackerResult['kind'], trackers: readonly { readonly name: string }[]) =>
    trackers.map(({ name }) => trackerKey({ kind, name }))
  return new Set([...of('script', scripts), ...of('file', files), ...of('process', processes)])
}
