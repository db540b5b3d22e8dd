import { fillDefaults } from './defaults.ts'
import { collectDiagnostics, type Diagnostic } from './diagnostic.ts'
import { root, type Settings } from './keywords/root.ts'
import type { Config } from './model.ts'
import { parse } from './parser.ts'
import { preprocess, type Surroundings } from './preprocess/preprocess.ts'
import { routingRules } from './rules/routing.ts'
import { serverRules } from './rules/servers.ts'
import { trackingRules } from './rules/tracking.ts'
import { vrrpRules } from './rules/vrrp.ts'
import { runningConfig } from './running.ts'
import { applyBody, initialValues } from './schema/body.ts'
import { type Context, Places } from './schema/entry.ts'
import type { Source } from './source.ts'

/** What a text came to. */
export interface Loaded {
  /** Everything that the file says, with defaults; complete only when there is no error. */
  readonly settings: Settings
  /** Where its parts were written. */
  readonly places: Places
  /** The part that this version can run; undefined when there was an error. Warnings leave it there. */
  readonly config: Config | undefined
  /** In the order of the file. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads a configuration: every mistake at once. Looks at nothing but the text and the files that it includes. */
export function loadConfig(source: Source, surroundings: Surroundings): Loaded {
  const { diagnostics, report } = collectDiagnostics()
  const statements = parse(preprocess(source, surroundings, report), report)
  const context: Context = { root, report, places: new Places(), ineffective: new Map(), withoutEffect: false }
  const settings = initialValues(root)
  applyBody(root, settings, statements, context, '')
  fillDefaults(settings)
  for (const rule of [...vrrpRules, ...trackingRules, ...routingRules, ...serverRules])
    rule(settings, context.places, report)
  const accepted = diagnostics.every(({ severity }) => severity !== 'error')
  const config = accepted ? runningConfig(settings, context.places, report) : undefined
  reportIneffective(context)
  return {
    settings,
    places: context.places,
    config,
    diagnostics: inOrder(source, diagnostics),
  }
}

/** Each keyword without effect once, where it stands first. */
function reportIneffective({ ineffective, report }: Context): void {
  for (const { status, name, at, count } of ineffective.values()) {
    const times = count === 1 ? '' : ` (${count} times in all)`
    if (status.effect === 'none') {
      report('no-effect', at, `\`${name}\` has no effect: ${status.why}${times}`)
    } else {
      report('not-effective-yet', at, `\`${name}\` is accepted, but has no effect yet${times}`)
    }
  }
}

/** Sorted by the place in the main file that they belong to, and then by their own. */
function inOrder(main: Source, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const offsetInMain = ({ at }: Diagnostic): number => {
    let span = at
    for (;;) {
      if (span.expandedFrom !== undefined) span = span.expandedFrom
      else if (span.source !== main && span.source.includedFrom !== undefined) span = span.source.includedFrom
      else return span.start
    }
  }
  return diagnostics
    .map((diagnostic) => ({ diagnostic, outer: offsetInMain(diagnostic) }))
    .toSorted((a, b) => a.outer - b.outer || a.diagnostic.at.start - b.diagnostic.at.start)
    .map(({ diagnostic }) => diagnostic)
}
