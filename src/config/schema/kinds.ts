import { replaceWord } from '../fix.ts'
import type { Word } from '../lexer.ts'
import type { Block, Statement } from '../parser.ts'
import { applyBody, initialValues, noteIneffective, printBody } from './body.ts'
import type { Context, Entries, Entry, Values } from './entry.ts'
import type { Feature, Status } from './status.ts'
import { invalid, type Syntax, Words } from './syntax.ts'
import { reportOff, truthOfFlag } from './values.ts'

const works: Status = { effect: 'works' }
const OFF = 'off'
/** The empty list that every block begins with. */
const NONE: never[] = []

/** `keyword value`; the last one counts. */
export function setting<T>(syntax: Syntax<T>, help: string): Entry<T | undefined>
export function setting<T>(syntax: Syntax<T>, help: string, initial: T): Entry<T>
export function setting<T>(syntax: Syntax<T>, help: string, initial?: T): Entry<T | undefined> {
  return {
    help,
    status: works,
    repeatable: false,
    syntax: syntax.text,
    fallback: initial === undefined ? undefined : syntax.print(initial),
    ...(syntax.words === undefined ? {} : { words: syntax.words }),
    ...(syntax.options === undefined ? {} : { options: syntax.options }),
    initial,
    apply(value, statement, context) {
      if (hasBlock(statement, context)) return value
      const words = wordsOf(statement.keyword, statement, context)
      const parsed = syntax.parse(words)
      if (parsed === invalid) return value
      words.finish()
      return parsed
    },
    print: (name, value, indent) => (value === undefined ? [] : [`${indent}${name} ${syntax.print(value)}`.trimEnd()]),
  }
}

/**
 * A setting that comes from elsewhere when the block does not say it: `from` tells in words. The loader fills it in
 * before anything else looks.
 */
export function inherited<T>(syntax: Syntax<T>, help: string, from: string): Entry<T> {
  return { ...(setting(syntax, help) as Entry<T>), fallback: from }
}

/** A keyword that says something by standing there, unless `no` or the like follows. */
export function flag(help: string): Entry<boolean> {
  return {
    help,
    status: works,
    repeatable: false,
    syntax: '',
    fallback: OFF,
    initial: false,
    apply(value, statement, context) {
      const on = readFlag(statement, context)
      if (on === false) reportOff(statement.keyword, context.report)
      return on ?? value
    },
    print: (name, value, indent) => (value ? [`${indent}${name}`] : []),
  }
}

/** Whether a flag is on: undefined after a mistake. */
function readFlag(statement: Statement, context: Context): boolean | undefined {
  if (hasBlock(statement, context)) return undefined
  const words = new Words(statement.keyword, statement, context.report)
  const on = truthOfFlag(words) ?? true
  if (on === invalid) return undefined
  words.finish()
  return on
}

/** Takes back what a flag says: `preempt` for `nopreempt`. */
export function opposite<const Name extends string>(name: Name, help: string): Entry<boolean> & { aliasOf: Name } {
  const base = flag(help)
  return {
    ...base,
    aliasOf: name,
    fallback: undefined,
    apply(value, statement, context) {
      const on = readFlag(statement, context)
      return on === undefined ? value : !on
    },
  }
}

/** Another name of a keyword, with a warning that it is deprecated unless it is not. */
export function alias<T, const Name extends string>(
  name: Name,
  entry: Entry<T>,
  deprecated = true,
): Entry<T> & { aliasOf: Name } {
  return {
    ...entry,
    help: `${deprecated ? 'Deprecated name' : 'Another name'} of \`${name}\`.`,
    aliasOf: name,
    fallback: undefined,
    apply(value, statement, context, path) {
      if (deprecated) {
        const message = `\`${statement.keyword.text}\` is deprecated`
        const { text, at } = statement.keyword
        context.report('deprecated-keyword', at, message, `use \`${name}\``, replaceWord(at, text, name))
      }
      return entry.apply(value, statement, context, path)
    },
  }
}

/** `keyword value`, as often as one likes: all of them count. */
export function several<T extends object>(syntax: Syntax<T>, help: string): Entry<readonly T[]> {
  return {
    help,
    status: works,
    repeatable: true,
    syntax: syntax.text,
    fallback: undefined,
    initial: NONE,
    apply(values, statement, context) {
      if (hasBlock(statement, context)) return values
      const words = wordsOf(statement.keyword, statement, context)
      const parsed = syntax.parse(words)
      if (parsed === invalid) return values
      words.finish()
      context.places.set(parsed, '', statement.keyword.at)
      return [...values, parsed]
    },
    print: (name, values, indent) => values.map((value) => `${indent}${name} ${syntax.print(value)}`),
  }
}

/** `keyword { value … }`: one value on each line. Further blocks of the same name add to it. */
export function lines<T>(syntax: Syntax<T>, help: string): Entry<readonly T[]> {
  return listOf(syntax.text, help, syntax, (statement, context) => {
    const all = { line: statement.line, args: [statement.keyword, ...statement.args] }
    const words = wordsOf(statement.keyword, all, context)
    const value = syntax.parse(words)
    if (value === invalid) return []
    words.finish()
    if (typeof value === 'object' && value !== null) context.places.set(value, '', statement.keyword.at)
    return [value]
  })
}

/** `keyword { word … }`: words on as many lines as one likes. Each may be a `Named` with its place. */
export function wordLines<T extends object>(syntax: Syntax<T>, help: string): Entry<readonly T[]> {
  return listOf(syntax.text, help, syntax, (statement, context) =>
    [statement.keyword, ...statement.args].flatMap((word) => {
      const value = syntax.parse(new Words(word, { line: statement.line, args: [word] }, context.report))
      if (value === invalid) return []
      context.places.set(value, '', word.at)
      return [value]
    }),
  )
}

function listOf<T>(
  text: string,
  help: string,
  syntax: Syntax<T>,
  read: (statement: Statement, context: Context) => T[],
): Entry<readonly T[]> {
  return {
    help,
    status: works,
    repeatable: true,
    syntax: `{ ${text} … }`,
    fallback: undefined,
    ...(syntax.options === undefined ? {} : { options: syntax.options }),
    initial: NONE,
    apply(values, statement, context) {
      const block = needBlock(statement, context)
      if (block === undefined) return values
      new Words(statement.keyword, statement, context.report).finish()
      const added = block.statements.flatMap((line) => {
        hasBlock(line, context)
        return read(line, context)
      })
      return [...values, ...added]
    },
    print: (name, values, indent) =>
      values.length === 0
        ? []
        : [`${indent}${name} {`, ...values.map((value) => `${indent}  ${syntax.print(value)}`.trimEnd()), `${indent}}`],
  }
}

/** `keyword id { value … }`: a named list of lines. */
export function namedLines<T>(
  id: Syntax<string>,
  syntax: Syntax<T>,
  help: string,
): Entry<{ readonly id: string; readonly lines: readonly T[] }[]> {
  const list = lines(syntax, help)
  return {
    ...list,
    syntax: `${id.text} ${list.syntax}`,
    initial: NONE,
    apply(values, statement, context, path) {
      const words = new Words(statement.keyword, statement, context.report)
      const name = id.parse(words)
      const read = list.apply([], { ...statement, args: [] }, context, path)
      if (name === invalid) return values
      words.finish()
      const value = { id: name, lines: read }
      context.places.set(value, '', statement.keyword.at)
      return [...values, value]
    },
    print: (name, values, indent) =>
      values.flatMap(({ id: name_, lines }) =>
        lines.length === 0
          ? [`${indent}${name} ${name_} {`, `${indent}}`]
          : list.print(`${name} ${name_}`, lines, indent),
      ),
  }
}

/** `keyword { … }`: one block; said again, it adds to the first. */
export function section<B extends Entries>(body: B, help: string): Entry<Values<B> | undefined> {
  return {
    help,
    status: works,
    repeatable: true,
    syntax: '{ … }',
    fallback: undefined,
    body,
    initial: undefined,
    apply(value, statement, context, path) {
      const block = needBlock(statement, context)
      if (block === undefined) return value
      new Words(statement.keyword, statement, context.report).finish()
      const values = value ?? initialValues(body)
      context.places.set(values, '', statement.keyword.at)
      applyBody(body, values, block.statements, context, path)
      return values
    },
    print: (name, value, indent) =>
      value === undefined ? [] : [`${indent}${name} {`, ...printBody(body, value, `${indent}  `), `${indent}}`],
  }
}

/** `keyword id { … }`, each a block of its own, named by `id`. */
export function sections<Id, B extends Entries>(
  id: Syntax<Id>,
  body: B,
  help: string,
): Entry<(Values<B> & { id: Id })[]> {
  return blocks(body, help, id.text, {
    open(words) {
      const parsed = id.parse(words)
      return parsed === invalid ? invalid : { id: parsed }
    },
    print: (value) => id.print(value.id),
  })
}

/** `keyword { … }`, each a block of its own. */
export function repeated<B extends Entries>(body: B, help: string): Entry<Values<B>[]> {
  return blocks(body, help, '', { open: () => ({}), print: () => '' })
}

function blocks<B extends Entries, Head extends object>(
  body: B,
  help: string,
  text: string,
  head: { open(words: Words): Head | typeof invalid; print(value: Head): string },
): Entry<(Values<B> & Head)[]> {
  return {
    help,
    status: works,
    repeatable: true,
    syntax: `${text} { … }`.trim(),
    fallback: undefined,
    body,
    initial: NONE,
    apply(values, statement, context, path) {
      const block = needBlock(statement, context)
      const words = new Words(statement.keyword, statement, context.report)
      const opened = head.open(words)
      if (opened !== invalid) words.finish()
      if (block === undefined) return values
      const inner = { ...(opened === invalid ? undefined : opened), ...initialValues(body) } as Values<B> & Head
      context.places.set(inner, '', statement.keyword.at)
      applyBody(body, inner, block.statements, context, path)
      if (opened === invalid) return values
      if (values === NONE) return [inner]
      values.push(inner)
      return values
    },
    print: (name, values, indent) =>
      values.flatMap((value) => [
        `${indent}${`${name} ${head.print(value)}`.trimEnd()} {`,
        ...printBody(body, value, `${indent}  `),
        `${indent}}`,
      ]),
  }
}

/** The feature behind it comes later; `neutral` is a value with which nothing is missed. */
export function later<E extends Entry>(feature: Feature, entry: E, neutral?: NonNullable<E['initial']>): E {
  return { ...entry, status: { effect: 'later', feature }, neutral }
}

/** It will never have an effect, for this reason. */
export function inert<E extends Entry>(why: string, entry: E): E {
  return { ...entry, status: { effect: 'none', why } }
}

/** It is an error, for this reason. */
export function refused<E extends Entry>(why: string, entry: E): E {
  return { ...entry, status: { effect: 'refused', why } }
}

/** The words of a statement; options without effect are noted. */
function wordsOf(keyword: Word, statement: Pick<Statement, 'line' | 'args'>, context: Context): Words {
  return new Words(keyword, statement, context.report, (name, at, status) => noteIneffective(context, name, at, status))
}

function hasBlock(statement: Statement, context: Context): boolean {
  if (statement.block === undefined) return false
  context.report('unexpected-brace', statement.block.at, `\`${statement.keyword.text}\` has no block`)
  return true
}

function needBlock(statement: Statement, context: Context): Block | undefined {
  if (statement.block === undefined) {
    context.report('missing-brace', statement.keyword.at, `\`${statement.keyword.text}\` needs a block { … }`)
  }
  return statement.block
}
