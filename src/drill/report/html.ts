import { isGood, type Recording } from '../recording.ts'
import { ABSENT, drillSection, orAbsent, stateOf } from './drill-section.ts'
import { byDrill, type DrillRuns, type ProgramRuns, summaryOf } from './figures.ts'
import { type Markup, markup, NOTHING } from './markup.ts'
import { STYLE } from './page-style.ts'
import { titleOf, verdictOf } from './timeline.ts'
import { counted, dateAndTime, inMinutes, inMs } from './units.ts'

interface Placed {
  readonly drill: DrillRuns
  /** Of its section. */
  readonly id: string
  readonly isAllHeld: boolean
}

/** What did not hold comes first, both in the order in which they were run. */
function placed(recordings: readonly Recording[]): readonly Placed[] {
  return byDrill(recordings)
    .map((drill, i) => {
      const { held, runs } = summaryOf(drill.byPrograms.flatMap((each) => each.runs))
      return { drill, id: `drill-${i + 1}`, isAllHeld: held === runs }
    })
    .toSorted((a, b) => Number(a.isAllHeld) - Number(b.isAllHeld))
}

/** What ended the first run that is not good, or did not hold in it. */
function reasonOf(runs: readonly Recording[]): Markup {
  const bad = runs.find((run) => !isGood(run))
  if (bad === undefined) return NOTHING
  const failed = bad.events.find((event) => event.type === 'failed')
  const broken = bad.judgements.find(({ holds }) => holds === false)
  const reason = failed?.reason ?? (broken === undefined ? verdictOf(bad) : `${broken.text}: ${broken.found}`)
  return markup`<div class="reason">${reason}</div>`
}

function summaryRow({ drill, id }: Placed, { programs, runs }: ProgramRuns): Markup {
  const { held, outageMs, lost, twoOwnersMs, noOwnerMs } = summaryOf(runs)
  const cell = (label: string, value: string) => markup`<td class="number" data-label="${label}">${value}</td>`
  return markup`<tr><th scope="row" class="full"><a href="#${id}">${titleOf(drill.drill)}</a>${reasonOf(runs)}</th><td class="full word">${stateOf(held, runs.length)}</td><td class="word" data-label="with">${programs}</td>${[
    cell('median', outageMs === undefined ? ABSENT : inMs(outageMs.median)),
    cell('p95', outageMs === undefined ? ABSENT : inMs(outageMs.p95)),
    cell('largest', outageMs === undefined ? ABSENT : inMs(outageMs.max)),
    cell('lost', orAbsent(lost, String)),
    cell('two owners', orAbsent(twoOwnersMs, inMs)),
    cell('no owner', orAbsent(noOwnerMs, inMs)),
  ]}</tr>\n`
}

function summary(drills: readonly Placed[]): Markup {
  const bad = drills.filter(({ isAllHeld }) => !isAllHeld).length
  const verdict =
    bad === 0
      ? markup`<p class="verdict good">✓ ${drills.length === 1 ? 'The drill held' : `All ${drills.length} drills held`}.</p>`
      : markup`<p class="verdict bad">✗ ${drills.length === 1 ? 'The drill' : `${bad} of ${drills.length} drills`} did not hold.</p>`
  const columns = ['median', 'p95', 'largest', 'lost', 'two owners', 'no owner']
  return markup`${verdict}
<table class="cards"><caption>Outages in ms: median, 95th percentile and largest of the longest outages of the runs. Lost probes, and ms with two owners and with none, of the worst run.</caption><thead><tr><th scope="col">drill</th><th scope="col">state</th><th scope="col">with</th>${columns.map((name) => markup`<th scope="col" class="number">${name}</th>`)}</tr></thead><tbody>
${drills.flatMap((each) => each.drill.byPrograms.map((programs) => summaryRow(each, programs)))}</tbody></table>`
}

/** When they were run, and for how long. */
function metaOf(recordings: readonly Recording[]): Markup {
  if (recordings.length === 0) return NOTHING
  const first = recordings.reduce((least, { startedAt }) => Math.min(least, startedAt), Number.POSITIVE_INFINITY)
  const took = recordings.reduce((sum, { duration }) => sum + duration, 0)
  return markup`<p class="meta">${dateAndTime(first)} UTC, ${counted(recordings.length, 'run')}, ${inMinutes(took)} in all</p>`
}

/**
 * All runs as one page of HTML that needs nothing else: no scripts, no network, no other files. It is well-formed XML below its
 * first line, too. `commandLine`: what made it.
 */
export function page(recordings: readonly Recording[], commandLine: string): string {
  const drills = placed(recordings)
  const style: Markup = { markup: STYLE }
  const { markup: text } = markup`<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="referrer" content="no-referrer"/>
<title>Failure drills</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Failure drills</h1>
${metaOf(recordings)}
<p class="meta"><code>${commandLine}</code></p>
${summary(drills)}
</header>
<main>
${drills.map(({ drill, id }) => drillSection(drill, id))}</main>
<footer><p>Outages are gaps of a probe that sends on a schedule, less its period. What a probe past the directors loses is this machine's own noise.</p></footer>
</body>
</html>
`
  return `<!doctype html>\n${text}`
}
