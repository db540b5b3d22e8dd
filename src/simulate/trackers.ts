import { type Track, trackerKey, type TrackerResult, type TrackerValue } from '../model/tracking.ts'
import type { Chance } from './chance.ts'
import type { ElectionConfig } from './setup.ts'

/** What instances and groups hang on besides interfaces; each once. */
function tracksOf(configs: readonly ElectionConfig[]): readonly (Track & Pick<TrackerResult, 'kind'>)[] {
  const all = configs.flatMap(({ instances, syncGroups }) =>
    [...instances, ...syncGroups].flatMap(({ tracks }) => tracks),
  )
  const found = all.flatMap((track) => (track.kind === 'interface' ? [] : [{ ...track, kind: track.kind }]))
  return [...new Map(found.map((track) => [trackerKey(track), track])).values()]
}

/** What the trackers say while all is well. */
export const healthyResults = (configs: readonly ElectionConfig[]): readonly TrackerResult[] =>
  tracksOf(configs).map((track) => resultOf(track, healthy(track)))

/** What one of them says that matters; undefined when there is none. */
export function anotherResult(configs: readonly ElectionConfig[], chance: Chance): TrackerResult | undefined {
  const tracks = tracksOf(configs)
  if (tracks.length === 0) return undefined
  const track = chance.pick(tracks)
  if (track.kind === 'file') return resultOf(track, { type: 'number', value: chance.below(121) - 60 })
  return resultOf(track, { type: healthy(track).type === 'good' ? 'bad' : 'good' })
}

function healthy({ kind, weight, reverse }: Track): TrackerValue {
  if (kind === 'file') return { type: 'number', value: weight === 0 && reverse ? 1 : 0 }
  return { type: reverse ? 'bad' : 'good' }
}

const resultOf = ({ kind, name }: Pick<TrackerResult, 'kind' | 'name'>, value: TrackerValue): TrackerResult => ({
  kind,
  name,
  value,
  detail: 'simulated',
  at: 0,
})
