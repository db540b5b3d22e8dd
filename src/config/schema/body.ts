import { closest, DIAGNOSTIC_LIMIT } from '../diagnostic.ts'
import { removeStatement, replaceWord } from '../fix.ts'
import { obsoleteKeyword } from '../keywords/obsolete.ts'
import type { Statement } from '../parser.ts'
import { isSecretKeyword, markSecret, markSecretBehind } from '../secrecy.ts'
import { placeText, type Span } from '../source.ts'
import type { Context, Entries, Entry, Values } from './entry.ts'
import type { Status } from './status.ts'

const templates = new WeakMap<Entries, object>()

/** What a block is before it says anything. */
export function initialValues<B extends Entries>(body: B): Values<B> {
  let template = templates.get(body)
  if (template === undefined) {
    const own = Object.entries<Entry>(body).filter(([, { aliasOf }]) => aliasOf === undefined)
    template = Object.fromEntries(own.map(([name, { initial }]) => [name, initial]))
    templates.set(body, template)
  }
  return { ...template } as Values<B>
}

/** Applies the statements of a block to its values; every mistake is reported and the rest goes on. */
export function applyBody<B extends Entries>(
  body: B,
  values: Values<B>,
  statements: readonly Statement[],
  context: Context,
  path: string,
): void {
  const target = values as Record<string, unknown>
  let misplaced = false
  for (const statement of statements) {
    const { text, at } = statement.keyword
    const entry = Object.hasOwn(body, text) ? (body as Entries)[text] : undefined
    if (entry === undefined) {
      // What is not shown needs no suggestion.
      if (context.errors() > DIAGNOSTIC_LIMIT) continue
      const isMisplaced = blocksAround(path, context.root).some(({ entries }) => Object.hasOwn(entries, text))
      if (isMisplaced && misplaced && context.bracesAreWrong) continue
      misplaced ||= isMisplaced
      reportUnknown(body, path, statement, context)
      context.places.setBroken(values, closest(text, Object.keys(body)) ?? text)
      continue
    }
    if (entry.status.effect === 'refused') {
      context.report('refused-keyword', at, `\`${text}\` is refused: ${entry.status.why}`)
      continue
    }
    const { status } = entry
    const before = entry.repeatable ? undefined : context.places.said(values, entry.aliasOf ?? text)
    if (before !== undefined) {
      const message = `\`${text}\` is given twice, first at ${placeText(before)}; the last one counts`
      context.report('repeated-keyword', at, message)
    }
    const name = entry.aliasOf ?? text
    const inner = status.effect === 'works' ? context : { ...context, withoutEffect: true }
    const errors = context.errors()
    const value = entry.apply(target[name], statement, inner, `${path}/${text}`)
    target[name] = value
    const isWrong = context.errors() > errors
    if (isWrong) context.places.setBroken(values, name)
    // A password may have come behind another keyword of its block.
    if ((isWrong || statement.args.length > 1) && entry.body === undefined && holdsSecrets(body)) markSecretBehind(at)
    if (!asksForNothing(entry, value)) noteIneffective(context, text, at, status)
    context.places.set(values, name, at)
  }
}

/** The statements that give these values. */
export function printBody(body: Entries, values: object, indent = ''): string[] {
  const source = values as Readonly<Record<string, unknown>>
  return Object.entries<Entry>(body).flatMap(([name, entry]) =>
    entry.aliasOf === undefined ? entry.print(name, source[name], indent) : [],
  )
}

/** Whether nothing would be done for a value even by who can do it. */
function asksForNothing({ initial, neutral }: Entry, value: unknown): boolean {
  return value === initial || value === false || value === neutral || (Array.isArray(value) && value.length === 0)
}

/** Notes a keyword or an option that was used and has no effect. */
export function noteIneffective(context: Context, name: string, at: Span, status: Status): void {
  if (context.withoutEffect || status.effect === 'works') return
  const key = status.effect === 'later' ? status.feature.name : status.why
  const known = context.ineffective.get(key)
  if (known === undefined) context.ineffective.set(key, { status, names: new Set([name]), places: [at] })
  else {
    known.names.add(name)
    known.places.push(at)
  }
}

const secretBodies = new WeakMap<Entries, boolean>()

function holdsSecrets(body: Entries): boolean {
  const known = secretBodies.get(body) ?? Object.keys(body).some(isSecretKeyword)
  secretBodies.set(body, known)
  return known
}

function reportUnknown(body: Entries, path: string, { keyword: { text, at } }: Statement, context: Context): void {
  const block = path.split('/').at(-1) ?? ''
  const obsolete = obsoleteKeyword(block, text)
  if (obsolete !== undefined) {
    const { why, instead } = obsolete
    const hint = instead === undefined ? 'leave it out' : `use \`${instead}\``
    const fix = instead === undefined ? removeStatement(at) : replaceWord(at, text, instead)
    context.report('obsolete-keyword', at, `\`${text}\` has no effect: ${why}`, hint, fix)
    return
  }
  const where = path === '' ? 'at the top level' : `in ${block}`
  const near = closest(text, Object.keys(body))
  // It may be the keyword of the secret, or its value, if that stands on the line after its keyword.
  if (holdsSecrets(body)) (near === undefined ? markSecret : markSecretBehind)(at)
  const fix = near === undefined ? undefined : replaceWord(at, text, near)
  context.report(
    'unknown-keyword',
    at,
    `unknown keyword \`${text}\` ${where}`,
    hintFor(text, near, path, context.root),
    fix,
  )
}

/** What the author may have meant: a keyword of this block, or one of a block around it whose brace is missing. */
function hintFor(text: string, near: string | undefined, path: string, root: Entries): string | undefined {
  const around = blocksAround(path, root)
  const belongs = (name: string, block: string) => `\`${name}\` belongs ${block}: is a "}" missing above?`
  const exact = around.find(({ entries }) => Object.hasOwn(entries, text))
  if (exact !== undefined) return belongs(text, exact.name)
  if (near !== undefined) return `did you mean \`${near}\`?`
  for (const { entries, name } of around) {
    const further = closest(text, Object.keys(entries))
    if (further !== undefined) return belongs(further, name)
  }
  return undefined
}

/** The blocks that hold the one at a path, from the inside out. */
function blocksAround(path: string, root: Entries): { readonly name: string; readonly entries: Entries }[] {
  const found: { name: string; entries: Entries }[] = []
  let entries: Entries | undefined = root
  let name = 'to the top level'
  for (const keyword of path.split('/').slice(1)) {
    if (entries === undefined) break
    found.unshift({ name, entries })
    const next: Entries | undefined = entries[keyword]?.body
    entries = next
    name = `to ${keyword}`
  }
  return found
}
