import type { Report } from '../diagnostic.ts'
import { markSecret, secretStartOf } from '../secrecy.ts'
import type { Source, Span } from '../source.ts'
import { Text } from '../text.ts'
import { withoutComment } from './comment.ts'
import { Definitions, type Predefined } from './definitions.ts'
import {
  changeChecks,
  expandBraces,
  type Files,
  hasWildcard,
  type Include,
  type IncludeChecks,
  ALL_CHECKS,
  NO_CHECKS,
  parseInclude,
} from './include.ts'
import { parseLoop } from './loop.ts'

/** Everything outside the text that a configuration may ask for. */
export interface Surroundings extends Omit<Predefined, 'directory'> {
  readonly files: Files
  /** What is wrong with a regular expression of PCRE2; undefined: nothing, or nobody knows. */
  readonly regexFault?: (pattern: string, options: readonly string[]) => string | undefined
  /** Whether every include must find its files, as after `include_check`. */
  readonly allIncluded?: boolean
}

/** How deep files may include one another. */
const INCLUDE_DEPTH = 16
/** Files of one configuration. */
const FILE_LIMIT = 10_000
/** Lines of a configuration, with its included files and its loops. */
const LINE_LIMIT = 1_000_000
/** Rounds of all loops. */
const ROUND_LIMIT = 200_000
/** Characters of a line; keepalived drops a line above 1023. */
const LINE_LENGTH = 16_384

/** What Jinja, Go and ERB fill in. */
const TEMPLATE = /\{\{.*?\}\}|\{%.*?%\}|<%.*?%>/
const withoutQuotes = (text: string): string => (text.includes('"') ? text.replace(/"[^"]*"?/g, '""') : text)
/** Control characters but the tab, marks of direction, blanks without width, and what stands for bytes that are not UTF-8. */
const UNSEEN = /[^\P{Cc}\t]|[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\uFFFD]/u

/**
 * The lines that a configuration comes to: files included, conditions decided, loops unrolled, definitions replaced,
 * comments and blank lines gone. Every character still knows where it was written.
 */
export function preprocess(source: Source, surroundings: Surroundings, report: Report): Text[] {
  const preprocessor = new Preprocessor(surroundings, report)
  preprocessor.file(source)
  return preprocessor.finish()
}

class Preprocessor {
  readonly lines: Text[] = []
  readonly #templates: Text[] = []
  readonly #surroundings: Surroundings
  readonly #report: Report
  readonly #definitions: Definitions
  readonly #open: string[] = []
  #directory = ''
  #checks: IncludeChecks
  #files = 0
  #rounds = 0
  /** A definition of several lines whose last line has not come yet. */
  #collecting: { readonly name: string; readonly lines: Text[] } | undefined

  constructor(surroundings: Surroundings, report: Report) {
    this.#surroundings = surroundings
    this.#checks = surroundings.allIncluded === true ? ALL_CHECKS : NO_CHECKS
    this.#report = report
    this.#definitions = new Definitions(report)
  }

  file(source: Source): void {
    const outer = { directory: this.#directory, checks: this.#checks }
    this.#directory = this.#surroundings.files.directoryOf(source.name)
    this.#open.push(source.name)
    if (this.#isText(source)) this.#lines(source)
    this.#endDefinition()
    this.#open.pop()
    this.#directory = outer.directory
    this.#checks = outer.checks
  }

  /** Reports a file that is no text, once, and leaves it out: what follows would be said of every line. */
  #isText(source: Source): boolean {
    const at = (offset: number) => ({ source, start: offset, end: offset + 1 })
    const { text } = source
    const zero = text.indexOf('\0')
    if (zero !== -1) {
      this.#report(
        'bad-character',
        at(zero),
        'a zero byte: this is no text file, or one in another encoding than UTF-8',
      )
    } else if (text.includes('\r') && !text.includes('\n')) {
      this.#report(
        'bad-character',
        at(text.indexOf('\r')),
        'the lines of this file end in CR alone; they must end in LF',
      )
    } else return true
    return false
  }

  #lines(source: Source): void {
    const { text } = source
    for (let start = 0; start < text.length;) {
      const newline = text.indexOf('\n', start)
      const end = newline === -1 ? text.length : newline
      const line = text.slice(start, end)
      const from = start + line.length - line.trimStart().length
      this.#rawLine(Text.of(source, from, Math.max(from, start + line.trimEnd().length)))
      start = end + 1
    }
  }

  #rawLine(raw: Text): void {
    if (raw.length > LINE_LENGTH) {
      this.#report('too-long', raw.span(0, 1), `a line has at most ${LINE_LENGTH} characters`)
      return
    }
    const line = this.#cleaned(withoutComment(raw, this.#report))
    if (TEMPLATE.test(withoutQuotes(line.text))) this.#templates.push(line)
    // As in keepalived 2.2.7, a line goes on behind its comment, too.
    const continued = raw.text.endsWith('\\') || line.text.endsWith('\\')
    if (this.#collecting !== undefined) {
      if (line.length === 0 && raw.length > 0 && !continued) this.#definitionEndsAtComment(raw)
      this.#collect(line, continued)
      return
    }
    if (line.length === 0) return
    const include = parseInclude(line, this.#checks)
    if (include === undefined) this.#line(line, continued, 0)
    else this.#include(line, include)
  }

  /** `continued`: a definition on this line goes on in the next one. `depth`: how many definitions have led here. */
  #line(line: Text, continued: boolean, depth: number): void {
    // A name that is a comment sign switches lines off: `$DEBUG=${_HASH}`, then `$DEBUG log_file /x`.
    if (line.length === 0 || (depth > 0 && /^[#!]/.test(line.text))) return
    const condition = /^@(\^?)(\S*)[ \t]*/.exec(line.text)
    if (condition !== null) {
      const isThis = condition[2] === this.#surroundings.configId
      if (isThis === (condition[1] === '')) this.#line(line.slice(condition[0].length), continued, depth)
      return
    }
    const definition = /^\$([A-Za-z_]\w*)=[ \t]*/.exec(line.text)
    if (definition !== null) {
      this.#define(definition[1] ?? '', line.slice(definition[0].length), continued)
      return
    }
    if (/^~(SEQ|LST)/.test(line.text)) {
      this.#loop(line, depth)
      return
    }
    const { first, more } = this.#definitions.expand(line, { ...this.#surroundings, directory: this.#directory }, depth)
    if (first === line) {
      this.#emit(line)
      return
    }
    for (const each of [first, ...more]) this.#line(each.trim(), false, depth + 1)
  }

  /** Without characters that nobody sees, and with what is not UTF-8 as it is; the first of a line is reported. */
  #cleaned(line: Text): Text {
    const found = UNSEEN.exec(line.text)
    if (found === null) return line
    const at = line.span(found.index, found.index + 1)
    if (found[0] === '\uFFFD') {
      this.#report('bad-character', at, 'this is not UTF-8, so it cannot be read', 'save the file as UTF-8')
      return line
    }
    const code = `U+${(found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
    this.#report('bad-character', at, `an invisible character: ${code}`, 'type the word again')
    const seen = line.text.split('').flatMap((char, index) => (UNSEEN.test(char) ? [] : [line.slice(index, index + 1)]))
    return seen.length === 0 ? line.slice(0, 0) : Text.join(seen).trim()
  }

  /** A template that nobody filled in is reported once; no line of it means what it says. */
  finish(): Text[] {
    const [first] = this.#templates
    if (first === undefined) return this.lines
    const more = this.#templates.length === 1 ? '' : ` (${this.#templates.length} lines are like it)`
    const message = `this looks like a template that was not rendered${more}`
    const found = TEMPLATE.exec(first.text)
    const at = first.span(found?.index, found === null ? undefined : found.index + found[0].length)
    this.#report('unrendered-template', at, message, 'render it with the tool that it was written for')
    return []
  }

  #emit(line: Text): void {
    if (this.lines.length === LINE_LIMIT) {
      this.#report('expansion-limit', line.span(), `a configuration has at most ${LINE_LIMIT} lines`)
    }
    if (this.lines.length > LINE_LIMIT) return
    this.lines.push(line)
    if (line.isJoined && secretStartOf(line.text) !== undefined) for (const place of line.places()) markSecret(place)
    // Takes effect from here on, so it cannot wait for the parser.
    if (/^include_check(\s|$)/.test(line.text)) {
      this.#checks = changeChecks(this.#checks, line.text.split(/\s+/).slice(1)) ?? this.#checks
    }
  }

  #define(name: string, value: Text, continued: boolean): void {
    if (name.startsWith('_')) {
      this.#report('bad-definition', value.span(), `\`$${name}\`: names with a leading underscore are predefined`)
      return
    }
    this.#collecting = { name, lines: [] }
    this.#collect(value, continued)
  }

  #collect(line: Text, continued: boolean): void {
    const inner = /^\$([A-Za-z_]\w*)=\s*\\$/.exec(line.text)
    if (inner !== null) {
      const message = `\`$${inner[1]}\` becomes empty here: a definition within another one has one line`
      this.#report('unclear-definition', line.span(), message)
    }
    const text = line.text.endsWith('\\') ? line.slice(0, line.length - 1).trim() : line
    if (text.length > 0) this.#collecting?.lines.push(text)
    if (!continued) this.#endDefinition()
  }

  /** keepalived's processes do not agree here; those that do the work end the definition. */
  #definitionEndsAtComment(comment: Text): void {
    const message = `this comment ends the definition of \`$${this.#collecting?.name}\``
    this.#report('unclear-definition', comment.span(), message, 'end it with \\ if the definition goes on')
  }

  #endDefinition(): void {
    if (this.#collecting === undefined) return
    this.#definitions.set(this.#collecting.name, this.#collecting.lines)
    this.#collecting = undefined
  }

  #loop(line: Text, depth: number): void {
    const loop = parseLoop(line, this.#report)
    if (loop === undefined) return
    const outer = loop.variables.map((name) => this.#definitions.get(name))
    for (const [index, name] of loop.variables.entries()) {
      if (outer[index] !== undefined) {
        this.#report('bad-definition', line.span(), `\`$${name}\` is defined; a loop needs a variable of its own`)
        return
      }
    }
    for (const round of loop.rounds) {
      if (++this.#rounds > ROUND_LIMIT) {
        this.#report('expansion-limit', line.span(), `a configuration has at most ${ROUND_LIMIT} rounds of loops`)
        break
      }
      for (const [index, name] of loop.variables.entries()) {
        this.#definitions.set(name, round[index] === undefined ? [] : [round[index]])
      }
      this.#line(loop.rest, false, depth)
    }
    for (const name of loop.variables) this.#definitions.set(name, undefined)
  }

  #include(line: Text, { pattern, checks }: Include): void {
    if (pattern.length === 0) {
      this.#report('missing-argument', line.span(), '`include` needs the name of a file')
      return
    }
    const at = pattern.span()
    const hasBraces = pattern.text.includes('{')
    let matches = 0
    let missing = 0
    for (const alternative of expandBraces(pattern.text)) {
      const paths = this.#surroundings.files.glob(alternative, this.#directory)
      matches += paths.length
      const wildcard = hasWildcard(alternative)
      if (paths.length === 0 && (checks.brace_match || (wildcard ? checks.wildcard_match : !hasBraces))) {
        const message = wildcard ? `no file matches \`${alternative}\`` : `there is no file \`${alternative}\``
        this.#report('missing-file', at, message)
        missing++
      }
      for (const path of paths) this.#includeFile(path, at)
    }
    if (matches > 0 || missing > 0) return
    // `includem` insists on a match where there is no wildcard.
    const code = checks.match && !hasWildcard(pattern.text) ? 'missing-file' : 'no-match'
    this.#report(code, at, `no file matches \`${pattern.text}\``)
  }

  #includeFile(path: string, at: Span): void {
    if (this.#open.includes(path)) {
      this.#report('include-cycle', at, `\`${path}\` includes itself`)
      return
    }
    if (this.#files > FILE_LIMIT) return
    if (this.#open.length > INCLUDE_DEPTH || ++this.#files > FILE_LIMIT) {
      this.#report('include-cycle', at, `more than ${INCLUDE_DEPTH} includes deep, or more than ${FILE_LIMIT} files`)
      return
    }
    const found = this.#surroundings.files.read(path)
    if ('error' in found) this.#report('missing-file', at, `cannot read \`${path}\`: ${found.error}`)
    else this.file({ name: path, text: found.text, includedFrom: at })
  }
}
