import { printable } from './printable.ts'

/** A piece of HTML, SVG or XML that is well-formed, and whose texts are escaped. */
export interface Markup {
  readonly markup: string
}

type Content = string | number | Markup | readonly Markup[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string) => printable(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

function contentOf(value: Content): string {
  if (typeof value === 'string') return escaped(value)
  if (typeof value === 'number') return String(value)
  return 'markup' in value ? value.markup : value.map((each) => each.markup).join('')
}

/** A template of markup: what it takes in is escaped, in elements as well as in quoted attributes, except for markup itself. */
export const markup = (template: TemplateStringsArray, ...values: readonly Content[]): Markup => ({
  markup: template.map((text, i) => text + (i < values.length ? contentOf(values[i] ?? '') : '')).join(''),
})

export const NOTHING: Markup = { markup: '' }

/** Lines of text that stay lines. */
export const lines = (texts: readonly string[]): Markup => ({ markup: texts.map(escaped).join('\n') })
