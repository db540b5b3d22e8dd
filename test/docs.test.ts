import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { surroundings } from './support/surroundings.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const PAGES = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: ROOT }).toSorted()]

/** A page's text without its blocks of code, in which no link is one; headings and links are looked for in it. */
const prose = (page: string) => read(page).replaceAll(/^```[^]*?^```$/gm, '')

/** The anchors of a page's headings, as GitHub makes them: small letters, no punctuation, hyphens for blanks, a number for one that repeats. */
function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of prose(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    let anchor = plain
    for (let n = 1; anchors.has(anchor); n++) anchor = `${plain}-${n}`
    anchors.add(anchor)
  }
  return anchors
}

/** What of each page does not hold, with the page's name. */
const wrongIn = (find: (page: string) => readonly string[]) =>
  PAGES.flatMap((page) => find(page).map((wrong) => `${page}: ${wrong}`))

describe('on every page', () => {
  test('each link leads to a file, and its anchor to a heading', () => {
    const broken = wrongIn((page) => {
      const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
      return links.filter((link) => {
        if (/^https?:/.test(link)) return false
        const [path = '', anchor] = link.split('#')
        const file = path === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), path))
        if (!existsSync(join(ROOT, file))) return true
        return anchor !== undefined && !anchorsOf(file).has(anchor)
      })
    })
    expect(broken).toEqual([])
  })

  test('each script of npm that is named is there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> }
    const missing = wrongIn((page) => {
      const named = [...read(page).matchAll(/npm\s+run\s+([a-z][\w:-]*)/g)].map(([, name = '']) => name)
      return named.filter((name) => !(name in scripts))
    })
    expect(missing).toEqual([])
  })
})

describe('docs/decisions', () => {
  const names = readdirSync(join(ROOT, 'docs/decisions'))
  const pages = names.map((name) => ({ name, text: read(`docs/decisions/${name}`) }))

  test('each has a number of its own, and a title that begins with it', () => {
    expect(names.map((name) => name.slice(0, 3))).toEqual([...new Set(names.map((name) => name.slice(0, 3)))])
    const untitled = pages.filter(
      ({ name, text }) => !/^\d{3}-[\da-z-]+\.md$/.test(name) || !text.startsWith(`# ${name.slice(0, 3)}: `),
    )
    expect(untitled).toEqual([])
  })

  test('each says context, decision and consequence', () => {
    const parts = pages.map(({ name, text }) => [
      name,
      ...[...text.matchAll(/^\*\*(Context|Decision|Consequence)\.\*\*/gm)].map(([, part]) => part),
    ])
    expect(parts).toEqual(names.map((name) => [name, 'Context', 'Decision', 'Consequence']))
  })

  test('all of them are in the index of docs/architecture.md', () => {
    const index = read('docs/architecture.md')
    expect(names.filter((name) => !index.includes(`](decisions/${name})`))).toEqual([])
  })
})

describe('README.md', () => {
  const readme = read('README.md')

  test('has at most 150 lines', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  })

  test('shows a configuration that is accepted without a warning', () => {
    const [, example = ''] = /^```\n(vrrp_instance [^]*?)^```$/m.exec(readme) ?? []
    const { config, diagnostics } = loadConfig({ name: 'README.md', text: example }, surroundings())
    expect(diagnostics).toEqual([])
    expect(config?.instances).toHaveLength(1)
    expect(config?.virtualServers).toHaveLength(1)
  })

  test('counts keywords as the table of docs/configuration.md does', () => {
    const rows = [...read('docs/configuration.md').matchAll(/^\| [A-Z]+ ((?:\| \d+ ){5})\|$/gm)]
    const counts = rows.map(([, row = '']) => (row.match(/\d+/g) ?? []).map(Number))
    const sum = (column: number) => counts.reduce((total, row) => total + (row[column] ?? 0), 0)
    const [all, work, later, never, refused] = [sum(0), sum(1), sum(2), sum(3), sum(4)]
    expect(readme).toContain(`${all} keywords ${work} work, ${later} are accepted and have no effect yet`)
    expect(readme).toContain(`${never} never have one here, and ${refused} is refused`)
  })
})
