import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const PAGES = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: ROOT })]

const help = (program: string, ...command: readonly string[]) =>
  spawnSync(process.execPath, [join(ROOT, `dist/bin/${program}.js`), ...command, '--help'], { encoding: 'utf8' }).stdout

/** Every option in a line, without its value: `--json`, `-f`. */
const optionsIn = (text: string) =>
  [...text.matchAll(/(?<![\w-])(--[a-z][a-z-]*|-[a-zA-Z])(?![\w-])/g)].map(([, option = '']) => option)

/** Commands of our programs on a page, in code: each from where it begins to what ends it, or to a comment. */
function commandsOf(page: string): { readonly program: string; readonly args: string }[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const code = [...text.matchAll(/`([^`\n]+)`|^ {4}(.*)$/gm)].map(([, span, line]) => span ?? line ?? '')
  return code.flatMap((line) =>
    [...line.matchAll(/(?:^|[|;&$(]) *(tanistd|tanist-ipvsadm|tanist) ([^|;&#<>]*)/g)].map(
      ([, program = '', args = '']) => ({ program, args }),
    ),
  )
}

test('the documentation names options that the programs have', () => {
  const commandsIn = (text: string) => {
    const [, list = ''] = text.split('Commands:\n')
    return [...list.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name)
  }
  const commands = commandsIn(help('tanist'))
  expect(commands).toContain('status')
  const helps = commands.flatMap((command) => {
    const text = help('tanist', command)
    const parts = commandsIn(text).filter((part) => part !== 'help')
    return [text, ...parts.map((part) => help('tanist', command, part))]
  })
  const known = new Map([
    ['tanistd', help('tanistd')],
    ['tanist', [help('tanist'), ...helps].join('\n')],
    ['tanist-ipvsadm', `${help('tanist-ipvsadm')} --help`],
  ])
  const unknown = PAGES.flatMap((page) =>
    commandsOf(page).flatMap(({ program, args }) => {
      const options = optionsIn(known.get(program) ?? '')
      const wrong = optionsIn(args).filter((option) => !options.includes(option))
      return wrong.map((option) => `${page}: ${program} ${option}`)
    }),
  )
  expect(unknown).toEqual([])
})
