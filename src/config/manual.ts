import { type KeywordRow, statusText } from './reference.ts'

/** Text of a manual page: what groff takes for its own is escaped. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
    .replaceAll('…', '...')
    .replaceAll('–', '\\(en')
}

const INTRODUCTION = `The file is written as for keepalived(8): keywords with values, and blocks in braces. Blanks separate words, double quotes join them, and ! or # begins a comment. A keyword that Tanist does not know is an error; one that it knows and that has no effect is a warning. Nothing is ignored silently: what the file says for protection and does not run yet keeps tanistd from starting, unless with --partial. A keyword without a value may be followed by no, off or false, and then is off.`

const TITLES: Readonly<Record<string, string>> = {
  '(preprocessor)': 'BEFORE KEYWORDS',
  '/': 'TOP LEVEL',
  '(value-line option) address': 'OPTIONS OF AN ADDRESS',
  '(value-line option) route': 'OPTIONS OF A ROUTE',
  '(value-line option) rule': 'OPTIONS OF A ROUTING RULE',
}

/** tanist.conf(5), for man. */
export function manualPage(rows: readonly KeywordRow[]): string {
  const lines = [
    '.TH TANIST.CONF 5 "" Tanist',
    // Long lists of alternatives cannot be spread over a line.
    '.ad l',
    '.SH NAME',
    'tanist.conf \\- configuration of tanistd',
    '.SH DESCRIPTION',
    roff(INTRODUCTION),
  ]
  let block: string | undefined
  for (const row of rows) {
    if (row.block !== block) {
      const title = TITLES[row.block] ?? row.block.slice(1).split('/').join(' > ')
      lines.push(`.SH "${roff(title)}"`)
    }
    block = row.block
    lines.push('.TP', `.BR "${roff(row.keyword)}" " ${roff(row.syntax).replaceAll('"', '""')}"`, roff(row.help))
    if (row.fallback !== undefined) lines.push(`Default: ${roff(row.fallback)}.`)
    if (row.status.effect !== 'works') lines.push(`.I (${roff(statusText(row.status))})`)
  }
  lines.push(
    '.SH FILES',
    '.TP',
    '.I /etc/tanist/tanist.conf',
    'The configuration file, unless another one is given with \\-f.',
    '.SH SEE ALSO',
    'The README of Tanist; keepalived.conf(5).',
  )
  return `${lines.join('\n')}\n`
}
