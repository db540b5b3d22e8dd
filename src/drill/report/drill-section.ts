import { isGood, type Judgement, type Recording } from '../recording.ts'
import { entriesOf, type Entry } from './entries.ts'
import { type DrillRuns, figuresOf, outageLimit, type ProgramRuns, type RunFigures, summaryOf } from './figures.ts'
import { lines, type Markup, markup, NOTHING } from './markup.ts'
import { kindOf, outagePlot, pointMark, type Series, seriesText } from './outage-plot.ts'
import { probePlot } from './probe-plot.ts'
import { printable } from './printable.ts'
import { titleOf, verdictOf } from './timeline.ts'
import { counted, inMs, inSeconds, withMs } from './units.ts'

/** Of pictures on a screen or paper, and on a phone, in px. */
const WIDE = 960
const NARROW = 360
/** With fewer runs a distribution says nothing. */
const LEAST_RUNS = 3
const MOST_ENTRIES = 400
const MOST_LOG_LINES = 500

export const ABSENT = '–'
export const orAbsent = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? ABSENT : text(value)

/** In words, not by colour alone. */
export function stateOf(held: number, runs: number): Markup {
  const isAll = held === runs
  const text = runs === 1 ? (isAll ? '✓ held' : '✗ not held') : `${isAll ? '✓' : '✗'} held in ${held} of ${runs}`
  return markup`<span class="state ${isAll ? 'good' : 'bad'}">${text}</span>`
}

/** In both widths: the style shows one of them. */
const picture = (draw: (id: string, width: number) => Markup, id: string) =>
  markup`<div class="wide">${draw(`${id}-wide`, WIDE)}</div><div class="narrow">${draw(`${id}-narrow`, NARROW)}</div>`

const swatch = (kind: string, text: string) =>
  markup`<span class="key"><svg width="14" height="10" aria-hidden="true"><rect class="${kind}" width="14" height="10" rx="1"/></svg>${text}</span>`

const PROBE_KEYS: readonly Markup[] = [
  swatch('director1', 'director1 has the address'),
  swatch('director2', 'director2 has it'),
  swatch('gap', 'no answers, or a fault'),
  swatch('noise', "this machine's own noise"),
]

function entryRow({ at, kind, label, text }: Entry, step: number | undefined): Markup {
  if (kind === 'part') return markup`<tr><th colspan="3" scope="rowgroup">${text}</th></tr>\n`
  const marks: Readonly<Partial<Record<Entry['kind'], Markup>>> = {
    step: markup`<span class="badge">${step ?? ''}</span>`,
    held: markup`<span class="good">✓</span>`,
    broken: markup`<span class="bad">✗</span>`,
    open: markup`<span class="unclear">?</span>`,
  }
  const said =
    label === undefined ? NOTHING : markup`<strong class="${kind === 'broken' ? 'bad' : 'unclear'}">${label}:</strong> `
  return markup`<tr><td class="number">${inSeconds(at)}</td><td>${marks[kind] ?? NOTHING}</td><td>${said}${text}</td></tr>\n`
}

function timeline(entries: readonly Entry[]): Markup {
  const shown = entries.filter(({ kind }) => kind !== 'log' && kind !== 'detail')
  let steps = 0
  const rows = shown.slice(0, MOST_ENTRIES).map((each) => entryRow(each, each.kind === 'step' ? ++steps : undefined))
  const rest = shown.length - rows.length
  return markup`<h3>Timeline</h3>
<table class="timeline"><thead hidden=""><tr><th scope="col">time</th><th scope="col">step</th><th scope="col">what</th></tr></thead><tbody>
${rows}</tbody></table>${rest > 0 ? markup`<p class="muted">and ${counted(rest, 'event')} more</p>` : NOTHING}
${logs(entries)}`
}

function logs(entries: readonly Entry[]): Markup {
  const said = entries.filter(({ kind }) => kind === 'log')
  if (said.length === 0) return NOTHING
  const shown = said.slice(0, MOST_LOG_LINES).map(({ at, text }) => `${inSeconds(at).padStart(8)}  ${text}`)
  const more = said.length > shown.length ? [`and ${said.length - shown.length} more`] : []
  return markup`<details><summary>${counted(said.length, 'log line')}</summary><pre>${lines([...shown, ...more])}</pre></details>`
}

function judgementState({ of, holds }: Judgement): Markup {
  if (holds === true) return markup`<span class="state good">✓ held</span>`
  if (holds === false) return markup`<span class="state bad">✗ not true</span>`
  return of === 'claim'
    ? markup`<span class="state bad">✗ not judged</span>`
    : markup`<span class="state unclear">? not judged</span>`
}

/** In how many runs a claim of this text held. */
function heldIn({ text, of }: Judgement, runs: readonly Recording[]): string {
  const those = runs.flatMap(({ judgements }) => judgements.filter((each) => each.text === text && each.of === of))
  return `${those.filter(({ holds }) => holds === true).length}/${those.length}`
}

function judgementTable(title: string, judgements: readonly Judgement[], runs: readonly Recording[]): Markup {
  if (judgements.length === 0) return NOTHING
  const isRepeated = runs.length > 1
  const rows = judgements.map(
    (each) =>
      markup`<tr><th scope="row" class="full">${each.of === 'claim' ? '' : `${each.of}: `}${each.text}</th><td class="full">${judgementState(each)}</td><td class="full">${each.found}</td>${
        isRepeated ? markup`<td class="number" data-label="held in all runs">${heldIn(each, runs)}</td>` : NOTHING
      }</tr>\n`,
  )
  return markup`<h3>${title}</h3>
<table class="cards"><thead><tr><th scope="col">what must hold</th><th scope="col">does it</th><th scope="col">what was found</th>${
    isRepeated ? markup`<th scope="col" class="number">held in all runs</th>` : NOTHING
  }</tr></thead><tbody>
${rows}</tbody></table>`
}

/** What a reader looks at: a run that failed before one that did not, then the longest outage. */
function worstOf(runs: readonly Recording[]): { readonly run: Recording; readonly index: number } | undefined {
  const [worst] = runs
    .map((run, index) => ({ run, index, isGood: isGood(run), outageMs: figuresOf(run).outageMs ?? 0 }))
    .toSorted((a, b) => Number(a.isGood) - Number(b.isGood) || b.outageMs - a.outageMs)
  return worst
}

function figureList(figures: RunFigures, recording: Recording): Markup {
  const { outageMs, lost, sent, twoOwnersMs, noOwnerMs, requests, connections, noiseMs, noiseLost } = figures
  const limit = outageLimit(recording)
  const items: readonly (readonly [string, string])[] = [
    ...(outageMs === undefined ? [] : [['longest outage', withMs(outageMs)] as const]),
    ...(limit === undefined ? [] : [['promised, at most', withMs(limit)] as const]),
    ...(lost === undefined ? [] : [['probes lost', `${lost} of ${sent}`] as const]),
    ...(requests === undefined ? [] : [['requests failed', `${requests.failed} of ${requests.count}`] as const]),
    ...(connections === undefined
      ? []
      : [
          ['connections broken', `${connections.broken} of ${connections.count}`] as const,
          ['connections moved', `${connections.moved}`] as const,
        ]),
    ...(twoOwnersMs === undefined ? [] : [['two owners', withMs(twoOwnersMs)] as const]),
    ...(noOwnerMs === undefined ? [] : [['no owner', withMs(noOwnerMs)] as const]),
    ['own noise', `${withMs(noiseMs)}, ${noiseLost} lost`],
    ['took', inSeconds(recording.duration)],
  ]
  return markup`<dl class="figures">${items.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

function runTable(runs: readonly Recording[]): Markup {
  if (runs.length < 2) return NOTHING
  const rows = runs.map((run, i) => {
    const { outageMs, lost, twoOwnersMs, noOwnerMs, noiseMs } = figuresOf(run)
    return markup`<tr><th scope="row" class="full">${i + 1}</th><td class="full">${stateOf(Number(isGood(run)), 1)}</td><td class="number" data-label="seed">${run.seed}</td><td class="number" data-label="outage, ms">${orAbsent(outageMs, inMs)}</td><td class="number" data-label="lost">${orAbsent(lost, String)}</td><td class="number" data-label="two owners, ms">${orAbsent(twoOwnersMs, inMs)}</td><td class="number" data-label="no owner, ms">${orAbsent(noOwnerMs, inMs)}</td><td class="number" data-label="own noise, ms">${inMs(noiseMs)}</td></tr>\n`
  })
  return markup`<details><summary>All ${runs.length} runs</summary>
<table class="cards"><thead><tr><th scope="col">run</th><th scope="col">state</th><th scope="col" class="number">seed</th><th scope="col" class="number">outage, ms</th><th scope="col" class="number">lost</th><th scope="col" class="number">two owners, ms</th><th scope="col" class="number">no owner, ms</th><th scope="col" class="number">own noise, ms</th></tr></thead><tbody>
${rows}</tbody></table></details>`
}

function programPart({ programs, runs }: ProgramRuns, id: string): Markup {
  const worst = worstOf(runs)
  if (worst === undefined) return NOTHING
  const { run, index } = worst
  const entries = entriesOf(run.events)
  const begun = entries.filter(({ kind }) => kind === 'step').map(({ at }) => at)
  const which =
    runs.length === 1
      ? NOTHING
      : markup`<p class="muted">Shown is run ${index + 1} of ${runs.length}, ${isGood(run) ? 'the one with the longest outage' : 'one that did not hold'} (seed ${run.seed}).</p>`
  const claims = run.judgements.filter(({ of }) => of === 'claim')
  const invariants = run.judgements.filter(({ of }) => of !== 'claim')
  return markup`<h3>With ${programs}</h3>
<p class="${isGood(run) ? 'good' : 'bad'}"><strong>${verdictOf(run)}</strong></p>
${which}${figureList(figuresOf(run), run)}
<figure>${picture((figureId, width) => probePlot(run, begun, figureId, width), id)}
<figcaption>${PROBE_KEYS}<span class="key"><span class="badge">1</span>a step, by its number in the timeline</span></figcaption></figure>
${judgementTable('Claims', claims, runs)}
${judgementTable('Invariants', invariants, runs)}
${timeline(entries)}
${runTable(runs)}`
}

function distribution({ byPrograms }: DrillRuns, id: string): Markup {
  const series = byPrograms.flatMap(({ programs, runs }): readonly Series[] => {
    const values = runs.map((run) => figuresOf(run).outageMs).filter((value) => value !== undefined)
    return values.length < LEAST_RUNS ? [] : [{ name: programs, values }]
  })
  if (series.length === 0) return NOTHING
  const limits = byPrograms.flatMap(({ runs }) => runs.map(outageLimit)).filter((limit) => limit !== undefined)
  const [limit] = limits.toSorted((a, b) => b - a)
  const keys = series.map((each, i) => {
    const kind = kindOf(i)
    return markup`<span class="key"><svg width="26" height="10" aria-hidden="true"><path class="curve ${kind}" d="M0 5H26"/>${pointMark(kind, 13, 5)}</svg>${seriesText(each)}</span>`
  })
  return markup`<h3>How long the outages were</h3>
<figure>${picture((figureId, width) => outagePlot(series, limit, figureId, width), id)}
<figcaption>${keys}<br/>Of each value: the share of runs whose longest outage was no longer.</figcaption></figure>`
}

/** A drill with all its runs. `id` is unique in the page. */
export function drillSection(runs: DrillRuns, id: string): Markup {
  const { drill, byPrograms } = runs
  const all = byPrograms.flatMap((each) => each.runs)
  const { held } = summaryOf(all)
  const promise =
    drill.promise === undefined ? NOTHING : markup`<p class="promise"><strong>Promised:</strong> ${drill.promise}</p>`
  // Paragraphs of its text stay paragraphs.
  const why = drill.why.split(/\n\s*\n/).map((text) => markup`<p>${printable(text.replaceAll(/\s+/g, ' ').trim())}</p>`)
  return markup`<section id="${id}" aria-labelledby="${id}-name">
<h2 id="${id}-name">${titleOf(drill)} ${stateOf(held, all.length)}</h2>
<p class="meta"><code>${drill.file}</code></p>
${why}
${promise}
${distribution(runs, `${id}-outages`)}
${byPrograms.map((each, i) => programPart(each, `${id}-run-${i + 1}`))}
</section>
`
}
