/** Of a page on a screen or on paper. Text on the background, and on its panels, has a contrast of 4.5 or more. */
export interface Palette {
  readonly background: string
  readonly panel: string
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly good: string
  readonly bad: string
  readonly unclear: string
  readonly link: string
  /** Bars and curves. Blue and orange are told apart by colour-blind people, too. */
  readonly first: string
  readonly second: string
  readonly third: string
  readonly noise: string
  readonly ground: string
}

/** Those of `Palette` that texts are written in. */
export const TEXT_COLOURS = [
  'text',
  'muted',
  'good',
  'bad',
  'unclear',
  'link',
] as const satisfies readonly (keyof Palette)[]

export const LIGHT: Palette = {
  background: '#ffffff',
  panel: '#f5f6f8',
  text: '#1c2128',
  muted: '#57606a',
  line: '#d5dae0',
  good: '#1a6b36',
  bad: '#b3201f',
  unclear: '#7d5200',
  link: '#0a5ca8',
  first: '#1f6fb5',
  second: '#d9720d',
  third: '#5f5f6b',
  noise: '#8b939d',
  ground: '#eceef1',
}

export const DARK: Palette = {
  background: '#15181d',
  panel: '#1e2329',
  text: '#e6e9ed',
  muted: '#a5aeb9',
  line: '#3a424c',
  good: '#6fcf8e',
  bad: '#ff8d85',
  unclear: '#e6b450',
  link: '#7fbcf5',
  first: '#5aa9ec',
  second: '#f29a3f',
  third: '#b6b6c4',
  noise: '#828b96',
  ground: '#2a3038',
}

const variables = (palette: Palette) =>
  Object.entries(palette)
    .map(([name, value]) => `--${name}: ${value};`)
    .join(' ')

/** The whole style of a page: nothing is loaded. */
export const STYLE = `
:root { color-scheme: light dark; ${variables(LIGHT)} }
@media screen and (prefers-color-scheme: dark) { :root { ${variables(DARK)} } }
@media print { :root { color-scheme: light; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--background); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
main, header, footer p { max-width: 1000px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 32px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 20px; line-height: 1.3; margin: 0 0 8px; }
h3 { font-size: 15px; margin: 24px 0 6px; }
p { margin: 0 0 10px; max-width: 76ch; }
a { color: var(--link); }
code { font: 13px/1.5 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; }
.meta { color: var(--muted); margin-bottom: 2px; }
.verdict { font-size: 18px; font-weight: 600; margin: 18px 0 12px; }
.good { color: var(--good); } .bad { color: var(--bad); } .unclear { color: var(--unclear); } .muted { color: var(--muted); }
.state { font-weight: 600; white-space: nowrap; }
section { border-top: 1px solid var(--line); margin-top: 36px; padding-top: 24px; }
h2 .state { font-size: 14px; margin-left: 8px; }
.promise { background: var(--panel); border-left: 3px solid var(--link); padding: 8px 12px; max-width: none; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
caption { text-align: left; color: var(--muted); padding: 0 0 6px; }
th, td { overflow-wrap: anywhere; text-align: left; vertical-align: top; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--muted); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 400; }
tr > :last-child { padding-right: 0; }
.number, .word { overflow-wrap: normal; }
.word { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { white-space: normal; }
code { overflow-wrap: anywhere; }
.timeline td:first-child { width: 76px; padding-right: 14px; color: var(--muted); }
.timeline td:nth-child(2) { width: 38px; text-align: center; }
.timeline td, .timeline th { border: 0; padding-top: 2px; padding-bottom: 2px; }
.timeline th[scope="rowgroup"] { font-weight: 600; padding-top: 10px; }
.badge { display: inline-block; min-width: 20px; padding: 0 6px; border-radius: 10px; background: var(--text); color: var(--background); font-size: 12px; line-height: 20px; text-align: center; font-variant-numeric: tabular-nums; }
.figures { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 12px 0; padding: 0; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt { color: var(--muted); font-size: 13px; } .figures dd { margin: 0; font-size: 18px; font-variant-numeric: tabular-nums; }
figure { margin: 16px 0; }
figcaption { color: var(--muted); font-size: 13px; margin-top: 6px; }
.key { display: inline-flex; align-items: center; gap: 6px; margin-right: 18px; }
.key svg { flex: none; }
svg { display: block; max-width: 100%; height: auto; }
.key svg { max-width: none; }
.narrow { display: none; } .wide svg, .narrow svg { width: 100%; }
.reason { color: var(--bad); font-weight: 400; font-size: 13px; }
svg text { fill: var(--text); font: 12px system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
svg .blank { fill: var(--background); } svg .row, svg .tick { fill: var(--muted); }
svg .grid { stroke: var(--line); stroke-width: 1; fill: none; }
svg .ground { fill: var(--ground); }
svg .director1 { fill: var(--first); } svg .director2 { fill: var(--second); }
svg .answered { fill: var(--good); } svg .gap, svg .fault { fill: var(--bad); } svg .noise { fill: var(--noise); }
svg .gap-label { fill: var(--bad); font-weight: 600; }
svg .step-line { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 2 3; fill: none; }
svg .mark { fill: var(--text); } svg .mark-text { fill: var(--background); }
svg .curve { fill: none; stroke-width: 2; } svg .curve.second { stroke-dasharray: 6 3; } svg .curve.third { stroke-dasharray: 2 3; }
svg .first { stroke: var(--first); } svg .second { stroke: var(--second); } svg .third { stroke: var(--third); }
svg .point { stroke: var(--background); stroke-width: 1; }
svg .point.first { fill: var(--first); } svg .point.second { fill: var(--second); } svg .point.third { fill: var(--third); }
svg .limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 8 4; fill: none; } svg .limit-label { fill: var(--bad); }
details { margin: 12px 0; } summary { cursor: pointer; color: var(--link); }
pre { font: 12px/1.5 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; white-space: pre-wrap; background: var(--panel); padding: 10px 12px; margin: 8px 0; }
footer { color: var(--muted); font-size: 13px; margin: 40px 0 32px; border-top: 1px solid var(--line); padding-top: 12px; }
@media screen and (max-width: 640px) {
  main, header { padding-left: 14px; padding-right: 14px; }
  .wide { display: none; } .narrow { display: block; }
  h2 .state { display: block; margin: 4px 0 0; }
  .figures { display: grid; grid-template-columns: 1fr 1fr; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0 14px; padding: 10px 0; border-bottom: 1px solid var(--line); }
  .cards tbody th, .cards td { border: 0; padding: 1px 0; text-align: left; }
  .cards td[data-label] { display: flex; justify-content: space-between; gap: 8px; }
  .cards td[data-label]::before { content: attr(data-label); color: var(--muted); }
  .cards .full { grid-column: 1 / -1; }
  .cards tbody th { font-weight: 600; }
  .timeline td:first-child { width: 62px; padding-right: 8px; } .timeline td:nth-child(2) { width: 34px; }
}
@media print {
  body { font-size: 11px; } section { break-before: page; border: 0; margin: 0; }
  figure, tr, .figures { break-inside: avoid; } h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`
