import { correctedText, type Fix } from './fix.ts'
import { HIDDEN, secretStart, secretStartOf } from './secrecy.ts'

/** Lines before and after a change that are shown with it. */
const CONTEXT = 3

/** Lines `from` to `to` (from 0, the end excluded) of a text, and what stands there after the corrections. */
interface Change {
  readonly from: number
  readonly to: number
  readonly fixes: readonly Fix[]
}

/** The corrections of a file as a unified diff, as `diff -u` has it, with what is or may be a secret hidden. */
export function unifiedDiff(name: string, text: string, fixes: readonly Fix[]): string {
  const lines = linesOf(text)
  const source = fixes[0]?.at.source
  /** Some lines from a number on (from 0), as they are shown. */
  const secretIn = (line: number) => source && secretStart(source, offsetOf(lines, line))
  const old = (from: number, to: number) => lines.slice(from, to).map((line, i) => visible(line, secretIn(from + i)))
  /** What a changed line held to its end it may hold still, though it does not look so any more. */
  const changed = (line: string, { from, to }: Change) => {
    const secrets = lines.slice(from, to).flatMap((each, i) => each.slice(secretIn(from + i) ?? each.length) || [])
    const kept = secrets.filter((secret) => line.endsWith(secret)).map((secret) => line.length - secret.length)
    const looks = secretStartOf(line)
    if (looks !== undefined) kept.push(looks)
    return visible(line, kept.length > 0 ? Math.min(...kept) : secrets.length > 0 ? 0 : undefined)
  }
  const out = [`--- ${name}`, `+++ ${name}`]
  let shift = 0
  for (const hunk of hunksOf(text, lines, fixes)) {
    const first = hunk[0]
    const last = hunk.at(-1)
    if (first === undefined || last === undefined) continue
    const from = Math.max(0, first.from - CONTEXT)
    const to = Math.min(lines.length, last.to + CONTEXT)
    const body: string[] = []
    let at = from
    for (const change of hunk) {
      body.push(...old(at, change.from).map((line) => ` ${line}`))
      body.push(...old(change.from, change.to).map((line) => `-${line}`))
      body.push(...replacement(text, lines, change).map((line) => `+${changed(line, change)}`))
      at = change.to
    }
    body.push(...old(at, to).map((line) => ` ${line}`))
    const count = (signs: string) => body.filter((line) => signs.includes(line.charAt(0))).length
    const [before, after] = [count(' -'), count(' +')]
    out.push(`@@ -${from + 1},${before} +${from + 1 + shift},${after} @@`, ...body.map(withEnd))
    shift += after - before
  }
  return `${out.join('\n')}\n`
}

/** Each with its line feed, so that a last line without one can be told. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

const visible = (line: string, secret: number | undefined): string =>
  secret === undefined || secret >= line.trimEnd().length
    ? line
    : `${line.slice(0, secret)}${HIDDEN}${line.endsWith('\n') ? '\n' : ''}`

const withEnd = (line: string): string =>
  line.endsWith('\n') ? line.slice(0, -1) : `${line}\n\\ No newline at end of file`

function offsetOf(lines: readonly string[], line: number): number {
  return lines.slice(0, line).reduce((sum, each) => sum + each.length, 0)
}

function replacement(text: string, lines: readonly string[], { from, to, fixes }: Change): string[] {
  const start = offsetOf(lines, from)
  const moved = fixes.map(({ at, text: put }) => ({
    at: { ...at, start: at.start - start, end: at.end - start },
    text: put,
  }))
  return linesOf(correctedText(text.slice(start, offsetOf(lines, to)), moved))
}

/** The changed lines; those that share their context are one hunk. */
function hunksOf(text: string, lines: readonly string[], fixes: readonly Fix[]): Change[][] {
  const changes: Change[] = []
  for (const fix of fixes.toSorted((a, b) => a.at.start - b.at.start)) {
    const from = lineOf(text, fix.at.start)
    const to = Math.min(lines.length, lineOf(text, Math.max(fix.at.start, fix.at.end - 1)) + 1)
    const last = changes.at(-1)
    if (last !== undefined && from <= last.to) {
      changes[changes.length - 1] = { from: last.from, to: Math.max(to, last.to), fixes: [...last.fixes, fix] }
    } else changes.push({ from, to, fixes: [fix] })
  }
  const hunks: Change[][] = []
  for (const change of changes) {
    const hunk = hunks.at(-1)
    const before = hunk?.at(-1)
    if (hunk !== undefined && before !== undefined && change.from - before.to <= 2 * CONTEXT) hunk.push(change)
    else hunks.push([change])
  }
  return hunks
}

function lineOf(text: string, offset: number): number {
  let line = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}
