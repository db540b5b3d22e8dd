import type { DiagnosticCode, Report } from '../diagnostic.ts'
import type { Settings } from '../keywords/root.ts'
import type { Places } from '../schema/entry.ts'
import type { Span } from '../source.ts'

/** A sentence that must hold across keywords or blocks. Values are filled in; `places` tells what was said, and where. */
export type Rule = (settings: Settings, places: Places, report: Report) => void

/** Reports every item whose key came before. */
export function reportRepeats(
  items: Iterable<{ readonly key: string; readonly at: Span }>,
  report: Report,
  code: DiagnosticCode,
  message: (key: string) => string,
): void {
  const seen = new Set<string>()
  for (const { key, at } of items) {
    if (seen.has(key)) report(code, at, message(key))
    seen.add(key)
  }
}
