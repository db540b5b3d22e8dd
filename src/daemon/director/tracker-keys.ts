import { trackerKey, type TrackerResult, type Trackers } from '../../model/tracking.ts'

/** Of all that a configuration has: what is known of others is to be forgotten. */
export function trackerKeys({ scripts, files, processes }: Trackers): ReadonlySet<string> {
  const of = (kind: TrackerResult['kind'], trackers: readonly { readonly name: string }[]) =>
    trackers.map(({ name }) => trackerKey({ kind, name }))
  return new Set([...of('script', scripts), ...of('file', files), ...of('process', processes)])
}
