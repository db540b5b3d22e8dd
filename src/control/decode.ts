/**
 * Decoders of a request's JSON: each takes a value and the path by which people name it, and returns the whole value or throws
 * RequestError. Nothing is converted and nothing is left out: a field that is not known is a mistake.
 */
export type Decoder<T> = (value: unknown, path: string) => T

/** A request that cannot be meant so: the field, what it must be, and what it is. */
export class RequestError extends Error {
  /** Of HTTP. */
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.name = 'RequestError'
    this.status = status
  }
}

/** Longest value that an error shows. */
const SHOWN = 40

/** Throws RequestError. */
export function refuse(path: string, expected: string, value: unknown): never {
  const text = value === undefined ? 'missing' : JSON.stringify(value)
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
  throw new RequestError(`${path} must be ${expected}; it is ${shown}`)
}

export function integer(low: number, high: number): Decoder<number> {
  return (value, path) =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
      ? value
      : refuse(path, `a whole number from ${low} to ${high}`, value)
}

export const truth: Decoder<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : refuse(path, 'true or false', value)

export function oneOf<const T extends string>(...words: readonly T[]): Decoder<T> {
  return (value, path) => words.find((word) => word === value) ?? refuse(path, `one of ${words.join(', ')}`, value)
}

/** `parse` answers undefined to what it does not take. */
export function parsed<T>(parse: (text: string) => T | undefined, expected: string): Decoder<T> {
  return (value, path) => (typeof value === 'string' ? parse(value) : undefined) ?? refuse(path, expected, value)
}

export function optional<T>(decode: Decoder<T>): Decoder<T | undefined> {
  return (value, path) => (value === undefined ? undefined : decode(value, path))
}

export function listOf<T>(decode: Decoder<T>, most: number): Decoder<readonly T[]> {
  return (value, path) =>
    Array.isArray(value) && value.length <= most
      ? value.map((item: unknown, i) => decode(item, `${path}[${i}]`))
      : refuse(path, `a list of at most ${most}`, value)
}

/** `type` is the field that tells which of some objects it is. */
export function variant<T>(type: string, decoders: Readonly<Record<string, Decoder<T>>>): Decoder<T> {
  return (value, path) => {
    const tag = fieldsOf(value, path)[type]
    const decode = typeof tag === 'string' && Object.hasOwn(decoders, tag) ? decoders[tag] : undefined
    return decode === undefined
      ? refuse(join(path, type), `one of ${Object.keys(decoders).join(', ')}`, tag)
      : decode(value, path)
  }
}

/** What must hold between the fields of a value: `check` says what it must be where it does not. */
export function checked<T>(decode: Decoder<T>, check: (value: T) => string | undefined): Decoder<T> {
  return (value, path) => {
    const decoded = decode(value, path)
    const expected = check(decoded)
    return expected === undefined ? decoded : refuse(path, expected, value)
  }
}

/** An object with exactly these fields; optional ones may be absent. */
export function object<T extends object>(fields: { readonly [K in keyof T]-?: Decoder<T[K]> }): Decoder<T> {
  const decoders = Object.entries<Decoder<unknown>>(fields)
  const known = new Set(decoders.map(([name]) => name))
  return (value, path) => {
    const given = fieldsOf(value, path)
    for (const name of Object.keys(given)) {
      if (!known.has(name)) throw new RequestError(`${join(path, name)} is not known here`)
    }
    const entries = decoders.map(([name, decode]): [string, unknown] => [name, decode(given[name], join(path, name))])
    // Each field was decoded as T says; those that are absent stay so.
    return Object.fromEntries(entries.filter(([, field]) => field !== undefined)) as T
  }
}

function fieldsOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(path, 'an object', value)
  return value as Record<string, unknown>
}

const join = (path: string, name: string) => (path === THE_REQUEST ? name : `${path}.${name}`)

/** What the outermost value is called. */
export const THE_REQUEST = 'the request'
