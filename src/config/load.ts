import { fillDefaults } from './defaults.ts'
import { collectDiagnostics, type Diagnostic, type DiagnosticCode, errorsFirst, type Report } from './diagnostic.ts'
import { root, type Settings } from './keywords/root.ts'
import type { Config } from '../model/config.ts'
import type { HostAnswer } from '../model/host-name.ts'
import { parse } from './parser.ts'
import { preprocess, type Surroundings } from './preprocess/preprocess.ts'
import { bfdRules } from './rules/bfd.ts'
import { checkerRules, reportRegexes } from './rules/checkers.ts'
import { reportRouting, routingRules } from './rules/routing.ts'
import { serverRules } from './rules/servers.ts'
import { talksAreOfOneKind } from './rules/talks.ts'
import { tellingRules } from './rules/telling.ts'
import { trackingRules } from './rules/tracking.ts'
import { hmacRules } from './rules/hmac.ts'
import { peerRules } from './rules/peers.ts'
import { strictRules } from './rules/strict.ts'
import { vrrpRules } from './rules/vrrp.ts'
import { notRunningOf } from './not-running.ts'
import { runningConfig } from './compile/compile.ts'
import { makeRouting } from './compile/routing.ts'
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
  /** The same with what is known of the names of real servers; without any of that they are not there. */
  readonly configAt: (answers: readonly HostAnswer[]) => Config | undefined
  /** Errors first, each kind in the order of the file. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads a configuration: every mistake at once. Looks at nothing but the text, the files that it includes, and names of routing. */
export function loadConfig(source: Source, surroundings: Surroundings): Loaded {
  const { diagnostics, report, errors } = collectDiagnostics()
  const lines = preprocess(source, surroundings, report)
  if (lines.length === 0 && errors() === 0) {
    report(
      'empty-file',
      { source, start: 0, end: 0 },
      'this configuration is empty: no VRRP instance and no virtual server',
    )
  }
  const statements = parse(lines, quoteHidesBrace(diagnostics) ? without(BRACES, report) : report)
  const bracesAreWrong = diagnostics.some(({ code }) => BRACES.has(code))
  const context: Context = {
    root,
    report,
    places: new Places(),
    ineffective: new Map(),
    withoutEffect: false,
    errors,
    bracesAreWrong,
  }
  const settings = initialValues(root)
  applyBody(root, settings, statements, context, '')
  fillDefaults(settings)
  for (const rule of [
    ...vrrpRules,
    ...peerRules,
    ...hmacRules,
    ...strictRules,
    ...trackingRules,
    ...bfdRules,
    ...routingRules,
    ...serverRules,
    ...checkerRules,
    talksAreOfOneKind,
    ...tellingRules,
  ])
    rule(settings, context.places, bracesAreWrong ? without(ABSENCES, report) : report)
  reportRegexes(settings, context.places, report, surroundings)
  const made = makeRouting(settings, surroundings.files)
  reportRouting(made, context.places, report)
  const accepted = diagnostics.every(({ severity }) => severity !== 'error')
  reportIneffective(context)
  const notRunning = notRunningOf(context.ineffective.values())
  const configAt = (answers: readonly HostAnswer[]) =>
    accepted ? { ...runningConfig(settings, made, answers), notRunning } : undefined
  return {
    settings,
    places: context.places,
    config: configAt([]),
    configAt,
    diagnostics: errorsFirst(inOrder(source, onceEach(diagnostics))),
  }
}

/** A mistake in a definition that is used many times is told where it is used first. */
function onceEach(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const told = new Set<string>()
  return diagnostics.filter(({ code, at, message }) => {
    const key = `${code} ${at.start}-${at.end} ${at.source.name} ${message}`
    return !told.has(key) && told.add(key)
  })
}

/** What puts everything behind it into the wrong block. */
const BRACES: ReadonlySet<DiagnosticCode> = new Set(['missing-brace', 'unexpected-brace', 'unterminated-quote'])
/** What a block or a file lacks, which may be in the wrong block then. */
const ABSENCES: ReadonlySet<DiagnosticCode> = new Set([
  'missing-keyword',
  'unknown-name',
  'no-virtual-address',
  'no-server',
  'no-check',
  'unused',
])

function without(codes: ReadonlySet<DiagnosticCode>, report: Report): Report {
  return (code, at, message, hint) => {
    if (!codes.has(code)) report(code, at, message, hint)
  }
}

/** A quote without an end makes braces behind it text; that they are missing then is no mistake of its own. */
const quoteHidesBrace = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some(
    ({ code, at }) => code === 'unterminated-quote' && /[{}]/.test(at.source.text.slice(at.start, at.end)),
  )

/** What has no effect, once for each feature or reason, where it stands first. */
function reportIneffective({ ineffective, report }: Context): void {
  for (const { status, names, places } of ineffective.values()) {
    const [first] = places
    if (first === undefined || status.effect === 'refused') continue
    const said = [...names].map((name) => `\`${name}\``).join(', ')
    const times = places.length === names.size ? '' : ` (${places.length} times in all)`
    const have = names.size === 1 ? 'has' : 'have'
    if (status.effect === 'none') report('no-effect', first, `${said} ${have} no effect: ${status.why}${times}`)
    else {
      const { lack, why } = status.feature
      const code = lack === 'protection' ? 'not-running' : 'not-effective-yet'
      report(code, first, `${said} ${have} no effect yet: ${why}${times}`)
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
