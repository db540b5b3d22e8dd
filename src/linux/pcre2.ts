import { library } from './library.ts'

const pcre2 = library('libpcre2-8.so.0', 'libpcre2-8-0')

const functions = {
  compile: pcre2.func(
    'void *pcre2_compile_8(const uint8_t *pattern, size_t length, uint32_t options, _Out_ int *error, _Out_ size_t *offset, void *context)',
  ),
  codeFree: pcre2.func('void pcre2_code_free_8(void *code)'),
  errorMessage: pcre2.func('int pcre2_get_error_message_8(int error, _Out_ uint8_t *buffer, size_t length)'),
  dataCreate: pcre2.func('void *pcre2_match_data_create_8(uint32_t pairs, void *context)'),
  contextCreate: pcre2.func('void *pcre2_match_context_create_8(void *context)'),
  setMatchLimit: pcre2.func('int pcre2_set_match_limit_8(void *context, uint32_t limit)'),
  setHeapLimit: pcre2.func('int pcre2_set_heap_limit_8(void *context, uint32_t kilobytes)'),
  setOffsetLimit: pcre2.func('int pcre2_set_offset_limit_8(void *context, size_t offset)'),
  match: pcre2.func(
    'int pcre2_match_8(const void *code, const uint8_t *subject, size_t length, size_t start, uint32_t options, void *data, void *context)',
  ),
  info: pcre2.func('int pcre2_pattern_info_8(const void *code, uint32_t what, _Out_ uint32_t *value)'),
  startOf: pcre2.func('size_t pcre2_get_startchar_8(void *data)'),
}

/** By the names of keepalived; pcre2.h has the numbers. */
const OPTIONS: Readonly<Record<string, number>> = {
  allow_empty_class: 0x1,
  alt_bsux: 0x2,
  auto_callout: 0x4,
  caseless: 0x8,
  dollar_endonly: 0x10,
  dotall: 0x20,
  dupnames: 0x40,
  extended: 0x80,
  firstline: 0x100,
  match_unset_backref: 0x200,
  multiline: 0x400,
  never_ucp: 0x800,
  never_utf: 0x1000,
  no_auto_capture: 0x2000,
  no_auto_possess: 0x4000,
  no_dotstar_anchor: 0x8000,
  no_start_optimize: 0x10000,
  ucp: 0x20000,
  ungreedy: 0x40000,
  utf: 0x80000,
  never_backslash_c: 0x100000,
  alt_circumflex: 0x200000,
  alt_verbnames: 0x400000,
  use_offset_limit: 0x800000,
}
/** Subjects that are no UTF-8 match like others, but for what is none in them. */
const MATCH_INVALID_UTF = 0x4000000
const NO_MATCH = -1
const MATCH_LIMIT = -47
const HEAP_LIMIT = -63
const MESSAGE_BYTES = 256

/**
 * What matching from one place may cost: 5 ms of processor time, and memory. It suffices for a pattern that looks at each character of
 * 100 KB in turn, and ends one that tries all of a million ways.
 */
const STEPS_FROM_ONE_PLACE = 100_000
const HEAP_KILOBYTES = 32 * 1024

/** Where a match begins, in bytes; or that there is none, or that it would take too much to find out. */
export type RegexMatch = number | 'none' | 'too much'

/** A compiled pattern. Its memory is given back by `free`. */
export interface Regex {
  /** Where in a subject it is worth trying: at the first place, at the first one and at beginnings of lines, or anywhere. */
  readonly begins: 'first' | 'lines' | 'anywhere'
  /** The first match in the subject that begins at `from` or behind, and not behind `to`. */
  match(subject: Uint8Array, from: number, to: number): RegexMatch
  free(): void
}

/** Of one place in a pattern. */
export interface RegexFault {
  /** In bytes. */
  readonly offset: number
  readonly message: string
}

/** Throws MissingLibraryError. `options`: by keepalived's names. */
export function compileRegex(pattern: string, options: readonly string[]): Regex | RegexFault {
  const bytes = Buffer.from(pattern)
  const named = [...options, 'use_offset_limit'].reduce((sum, name) => sum | (OPTIONS[name] ?? 0), 0)
  const flags = (options.includes('utf') ? named | MATCH_INVALID_UTF : named) >>> 0
  const error = [0]
  const offset = [0]
  const code: unknown = functions.compile(bytes, bytes.length, flags, error, offset, null)
  if (code === null) return { offset: Number(offset[0]), message: messageOf(error[0] ?? 0) }
  const { data, context } = (matching ??= makeMatching())
  return {
    begins: beginsOf(code),
    match(subject, from, to) {
      functions.setOffsetLimit(context, to)
      const found = Number(
        functions.match(code, subject.length === 0 ? NOTHING : subject, subject.length, from, 0, data, context),
      )
      if (found >= 0) return Number(functions.startOf(data))
      if (found === NO_MATCH) return 'none'
      if (found === MATCH_LIMIT || found === HEAP_LIMIT) return 'too much'
      throw new Error(`regular expression: ${messageOf(found)}`)
    },
    free: () => functions.codeFree(code),
  }
}

/** koffi passes an empty array as no address, which PCRE2 refuses. */
const NOTHING = Uint8Array.of(0)

const INFO_ALL_OPTIONS = 0
const INFO_FIRST_CODE_TYPE = 5
const ANCHORED = 0x80000000
const LINE_STARTS = 2

function beginsOf(code: unknown): Regex['begins'] {
  const value = [0]
  functions.info(code, INFO_ALL_OPTIONS, value)
  if (((value[0] ?? 0) & ANCHORED) !== 0) return 'first'
  functions.info(code, INFO_FIRST_CODE_TYPE, value)
  return value[0] === LINE_STARTS ? 'lines' : 'anywhere'
}

/** One for all patterns: matching is synchronous. */
let matching: { readonly data: unknown; readonly context: unknown } | undefined

function makeMatching(): NonNullable<typeof matching> {
  const context: unknown = functions.contextCreate(null)
  functions.setMatchLimit(context, STEPS_FROM_ONE_PLACE)
  functions.setHeapLimit(context, HEAP_KILOBYTES)
  return { data: functions.dataCreate(1, null), context }
}

function messageOf(error: number): string {
  const buffer = Buffer.alloc(MESSAGE_BYTES)
  const length = Number(functions.errorMessage(error, buffer, buffer.length))
  return length < 0 ? `error ${error}` : buffer.toString('utf8', 0, length)
}
