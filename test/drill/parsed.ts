import { SaxesParser } from 'saxes'

export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  /** Of itself and all in it. */
  text: string
}

/** All elements in their order. Throws where the text is not well-formed XML. */
export function elementsOf(xml: string): readonly Element[] {
  const parser = new SaxesParser()
  const all: Element[] = []
  const open: Element[] = []
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes, text: '' }
    all.push(element)
    open.push(element)
  })
  parser.on('closetag', () => void open.pop())
  parser.on('text', (text) => {
    for (const element of open) element.text += text
  })
  parser.write(xml).close()
  return all
}

/** The elements of a page that is well-formed XML below its doctype. */
export const elementsOfPage = (page: string): readonly Element[] => elementsOf(page.replace(/^<!doctype html>\n/, ''))

export const named = (elements: readonly Element[], name: string): readonly Element[] =>
  elements.filter((element) => element.name === name)
