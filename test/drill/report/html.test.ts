import { expect, test } from 'vitest'
import { page } from '../../../src/drill/report/html.ts'
import { DARK, LIGHT, type Palette, TEXT_COLOURS } from '../../../src/drill/report/page-style.ts'
import { elementsOfPage, named } from '../parsed.ts'
import { crowded, failedStep, HOSTILE, hostile, repeated, takeover, tooLong } from '../recorded.ts'

const other = { ...takeover().drill, file: 'drills/08.yaml', number: 8, name: 'Both cables' }
const ALL = [...repeated(30), tooLong({ drill: other }), failedStep(), crowded()]

test('it is well-formed, loads nothing, and has no scripts', () => {
  const elements = elementsOfPage(page([...ALL, hostile()], HOSTILE))
  const metas = named(elements, 'meta').map(({ attributes }) => attributes)
  expect(metas).toContainEqual({
    'http-equiv': 'Content-Security-Policy',
    content: "default-src 'none'; style-src 'unsafe-inline'",
  })
  const names = new Set(elements.map(({ name }) => name))
  for (const name of ['script', 'link', 'img', 'iframe', 'object', 'image', 'use', 'foreignObject']) {
    expect(names).not.toContain(name)
  }
  for (const { attributes } of elements) {
    for (const [name, value] of Object.entries(attributes)) {
      expect(name).not.toMatch(/^on|^src$|^style$/)
      if (name === 'href') expect(value).toMatch(/^#drill-\d+$/)
    }
  }
  const [style] = named(elements, 'style')
  expect(style?.text).not.toMatch(/url\(|@import/)
})

test('what comes from outside stays text', () => {
  const text = page([hostile()], HOSTILE)
  const elements = elementsOfPage(text)
  expect(named(elements, 'h2')[0]?.text).toContain(
    '<script>alert(1)</script> "quoted" \'so\' & ]]> <!-- \\x00\\x07\\x1b',
  )
  expect(text).not.toContain('<script')
  expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
})

test('ids are unique, and what refers to one finds it', () => {
  const elements = elementsOfPage(page(ALL, 'x'))
  const ids = elements.flatMap(({ attributes }) => attributes['id'] ?? [])
  expect(new Set(ids).size).toBe(ids.length)
  for (const { attributes } of elements) {
    for (const id of (attributes['aria-labelledby'] ?? '').split(' ').filter((id) => id !== '')) {
      expect(ids).toContain(id)
    }
    if (attributes['href'] !== undefined) expect(ids).toContain(attributes['href'].slice(1))
  }
})

test('what did not hold comes first, with its reason', () => {
  const elements = elementsOfPage(page(ALL, 'tanist drill run'))
  expect(named(elements, 'p').find(({ attributes }) => attributes['class']?.startsWith('verdict'))?.text).toBe(
    '✗ 2 of 4 drills did not hold.',
  )
  expect(named(elements, 'h2').map(({ text }) => text)).toEqual([
    '8: Both cables ✗ not held',
    'A reload by hand ✗ not held',
    '7: The cable of the master is pulled ✓ held in 60 of 60',
    expect.stringMatching(/^31: .* ✓ held$/),
  ])
  expect(elements.filter(({ attributes }) => attributes['class'] === 'reason').map(({ text }) => text)).toEqual([
    'outage: takeover: longest gap 5120 ms of at most 3823 ms',
    'master: standby did not come within 30 s',
  ])
})

test('of repetitions a run that did not hold is shown, otherwise the one with the longest outage', () => {
  const shown = (text: string) => /Shown is run [^<]*/.exec(text)?.[0]
  expect(shown(page([takeover(3000), takeover(3700), takeover(3100)], 'x'))).toBe(
    'Shown is run 2 of 3, the one with the longest outage (seed 1).',
  )
  expect(shown(page([takeover(3000), failedStep({ drill: takeover().drill, seed: 9 }), takeover(3700)], 'x'))).toBe(
    'Shown is run 2 of 3, one that did not hold (seed 9).',
  )
})

test('a distribution is drawn of three runs and more, and not of two', () => {
  expect(page(repeated(2), 'x')).not.toContain('How long the outages were')
  expect(page(repeated(3), 'x')).toContain('How long the outages were')
})

test('tables have headers with a scope, and pictures a title and a description', () => {
  const elements = elementsOfPage(page(ALL, 'x'))
  for (const { attributes } of named(elements, 'th')) expect(attributes['scope']).toMatch(/^(col|row|rowgroup)$/)
  const pictures = named(elements, 'svg').filter(({ attributes }) => attributes['aria-hidden'] === undefined)
  expect(pictures.length).toBeGreaterThan(0)
  for (const { attributes } of pictures) {
    expect(attributes['role']).toBe('img')
    expect(attributes['aria-labelledby']).toMatch(/-title .*-desc$/)
  }
  expect(named(elements, 'desc').map(({ text }) => text)).toContain(
    'Time from 0 to 12.0 s. The longest gap of a probe begins at 2.0 s and takes 5120 ms. Who had which address when is in the timeline, too.',
  )
})

test('a page without any run is a page', () => {
  expect(named(elementsOfPage(page([], 'x')), 'h1')).toHaveLength(1)
})

test('a page is bounded however many events and log lines there were', () => {
  const base = takeover()
  const events = Array.from({ length: 20_000 }, (_, i) =>
    i % 2 === 0
      ? ({ at: base.duration, type: 'log', director: 'director1', line: `line ${i}` } as const)
      : ({ at: base.duration, type: 'said', text: `text ${i}` } as const),
  )
  const text = page([{ ...base, events }], 'x')
  expect(text.length).toBeLessThan(200_000)
  expect(text).toContain('and 9600 events more')
  expect(text).toContain('and 9500 more')
})

/** By WCAG 2. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((from) => {
    const share = Number.parseInt(colour.slice(from, from + 2), 16) / 255
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

test.each<[string, Palette]>([
  ['light', LIGHT],
  ['dark', DARK],
])('texts of the %s page can be read, and bars be seen', (_, palette) => {
  for (const name of TEXT_COLOURS) {
    for (const ground of [palette.background, palette.panel]) {
      expect(contrast(palette[name], ground), name).toBeGreaterThanOrEqual(4.5)
    }
  }
  for (const name of ['first', 'second', 'third', 'bad', 'noise'] as const) {
    expect(contrast(palette[name], palette.background), name).toBeGreaterThanOrEqual(3)
  }
})
