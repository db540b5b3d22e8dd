import type { DiagnosticCode, Report } from '../diagnostic.ts'
import type { Fix } from '../fix.ts'
import type { Settings } from '../keywords/root.ts'
import type { Places } from '../schema/entry.ts'
import { placeText, type Span } from '../source.ts'

/** A sentence that must hold across keywords or blocks. Values are filled in; `places` tells what was said, and where. */
export type Rule = (settings: Settings, places: Places, report: Report) => void

/** Reports every item whose key came before, with the place of the first one. */
export function reportRepeats(
  items: Iterable<{ readonly key: string; readonly at: Span }>,
  report: Report,
  code: DiagnosticCode,
  message: (key: string) => string,
  { hint, fix }: { readonly hint?: string; readonly fix?: (at: Span) => Fix | undefined } = {},
): void {
  const seen = new Map<string, Span>()
  for (const { key, at } of items) {
    const first = seen.get(key)
    if (first === undefined) seen.set(key, at)
    else report(code, at, `${message(key)}, at ${placeText(first)}`, hint, fix?.(at))
  }
}
