const SHOWN = 64

/** What a server has said, for a reason: its beginning, and nothing that would do something to a terminal or a log. */
export function shown(text: string): string {
  const start = text.slice(0, SHOWN).replaceAll(/[^ -~]/g, '?')
  return text.length > SHOWN ? `${start}…` : start
}
