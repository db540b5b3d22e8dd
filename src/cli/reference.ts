import type { Command } from 'commander'
import { closest } from '../config/diagnostic.ts'
import { type KeywordRow, listKeywords, statusText } from '../config/reference.ts'
import { manualPage } from '../config/manual.ts'
import type { Format } from './test-config.ts'

/** `tanistd --keywords [NAME]`: the table of all keywords, or those of one name or block. False, with a message: there is none. */
export function printKeywords(name: string | true, format: Format): boolean {
  const all = listKeywords()
  const rows = all.filter(
    ({ keyword, block }) => name === true || keyword === name || block === name || block.endsWith(`/${name}`),
  )
  if (rows.length === 0 && name !== true) {
    const near = closest(name, [...new Set(all.map(({ keyword }) => keyword))])
    const hint = near === undefined ? '`tanistd --keywords` lists all' : `did you mean \`${near}\`?`
    process.stderr.write(`tanistd: no keyword or block is named \`${name}\`; ${hint}\n`)
    if (format === 'text') return false
  }
  if (format === 'json') process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`)
  else process.stdout.write(keywordTable(rows))
  return rows.length > 0
}

function keywordTable(rows: readonly KeywordRow[]): string {
  const lines: string[] = []
  let block: string | undefined
  for (const row of rows) {
    if (row.block !== block) lines.push(...(block === undefined ? [] : ['']), row.block)
    block = row.block
    lines.push(`  ${row.keyword} ${row.syntax}`.trimEnd())
    const fallback = row.fallback === undefined ? '' : ` Default: ${row.fallback}.`
    lines.push(`      ${row.help}${fallback}`)
    if (row.status.effect !== 'works') lines.push(`      (${statusText(row.status)})`)
  }
  return `${lines.join('\n')}\n`
}

/** `tanistd --manual`: tanist.conf(5). */
export function printManual(): void {
  process.stdout.write(manualPage(listKeywords()))
}

/** `tanistd --completion SHELL`: what the shell reads to complete the command line of tanistd. */
export function printCompletion(shell: 'bash' | 'zsh', program: Command): void {
  const names = [...new Set(listKeywords().map(({ keyword }) => keyword))].filter((name) => /^[\w-]+$/.test(name))
  const flags = program.options.flatMap(({ long, short }) => [long, short]).filter((flag) => flag != null)
  process.stdout.write(shell === 'bash' ? bashCompletion(flags, names) : zshCompletion(program, names))
}

function bashCompletion(flags: readonly string[], keywords: readonly string[]): string {
  return `# bash completion of tanistd: source this, or put it into /etc/bash_completion.d
_tanistd() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  case $before in
    --keywords) COMPREPLY=($(compgen -W '${keywords.join(' ')}' -- "$word")) ;;
    --format) COMPREPLY=($(compgen -W 'text json' -- "$word")) ;;
    --completion) COMPREPLY=($(compgen -W 'bash zsh' -- "$word")) ;;
    --hook) COMPREPLY=($(compgen -W 'tcx clsact' -- "$word")) ;;
    -f|--file|--socket) COMPREPLY=($(compgen -f -- "$word")) ;;
    *) COMPREPLY=($(compgen -W '${flags.join(' ')}' -- "$word") $(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _tanistd tanistd
`
}

function zshCompletion(program: Command, keywords: readonly string[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&')
  const values: Readonly<Record<string, string>> = {
    '--keywords': `:keyword:(${keywords.join(' ')})`,
    '--format': ':format:(text json)',
    '--completion': ':shell:(bash zsh)',
    '--hook': ':hook:(tcx clsact)',
    '--file': ':file:_files',
    '--socket': ':socket:_files',
    '--name': ':name:',
    '--config-id': ':id:',
  }
  const specs = program.options.map(({ long, description }) => {
    const flag = long ?? ''
    return `  '${flag}[${quoted(description)}]${values[flag] ?? ''}'`
  })
  return `#compdef tanistd
_arguments -s \\
${specs.join(' \\\n')} \\
  '*:file:_files'
`
}
