/** How many there are of each type, as a line of the log says it: `2 dest, 1 table`; `none` when there are none. */
export function countsByType(items: readonly { readonly type: string }[]): string {
  const counts = [...Map.groupBy(items, ({ type }) => type)].map(([type, of]) => `${of.length} ${type}`)
  return counts.length === 0 ? 'none' : counts.join(', ')
}
