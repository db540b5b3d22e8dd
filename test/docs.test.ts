import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const PAGES = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: ROOT }).toSorted()]
const PROGRAMS = ['tanistd', 'tanist', 'tanist-ipvsadm'] as const
const COMMANDS = ['status', 'reload', 'upgrade', 'connections', 'trace', 'import'] as const

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

/** What is in code: spans, and lines of blocks by indentation. */
const codeOf = (page: string) => [
  ...[...read(page).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
  ...read(page)
    .split('\n')
    .filter((line) => /^ {4}/.test(line)),
]

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

  test('each option of our programs that is named is in their help', () => {
    const known = new Map<string, ReadonlySet<string>>(PROGRAMS.map((program) => [program, optionsOf(program)]))
    const unknown = wrongIn((page) =>
      codeOf(page).flatMap((code) =>
        // From where a command begins to what ends it, or a comment.
        [...code.matchAll(/(?:^|[|;&$(]) *(tanistd|tanist(?:-ipvsadm)?) ([^|;&#<>]*)/g)].flatMap(
          ([, program = '', rest = '']) =>
            optionsIn(rest)
              .filter((option) => known.get(program)?.has(option) === false)
              .map((option) => `${program} ${option}`),
        ),
      ),
    )
    expect(unknown).toEqual([])
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
      ...[...text.matchAll(/^\*\*(\w+)\.\*\* /gm)].map(([, part]) => part),
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
    expect(run('tanistd', ['-t', '-'], example)).toEqual({ status: 0, output: '-: good\n' })
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

/** Of a program as it was built. */
function run(program: string, args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, `dist/bin/${program}.js`), ...args], {
    encoding: 'utf8',
    input,
  })
  return { status, output: stdout + stderr }
}

/** Every option in a line, without its value: `--json`, `-Ln`. */
function optionsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])(--[a-z][a-z-]*|-[a-zA-Z])(?![\w-])/g)].map(([, option = '']) => option)
}

/** The options in a program's help, and in that of its commands. */
function optionsOf(program: (typeof PROGRAMS)[number]): ReadonlySet<string> {
  const commands = program === 'tanist' ? COMMANDS : []
  const helps = [[], ...commands.map((command) => [command])].map((command) => run(program, [...command, '--help']))
  return new Set([...helps.flatMap(({ output }) => optionsIn(output)), '--help', '-h'])
}
