import { PRODUCTS, type Product } from './candidate.ts'

/** What was seen of some instances. */
export interface Cell {
  readonly disturbance: string
  readonly intervalMs: number
  readonly downTimerAdverts: number
  readonly product: Product
  readonly takeovers: number
  /** Of all these instances together. */
  readonly hours: number
  /** In one hour; undefined where nobody can say. */
  readonly expected: number | undefined
}

const rate = (value: number) => (value >= 10 || value === 0 ? value.toFixed(0) : value.toPrecision(2))

/** Take-overs in an hour of an instance, and how many were seen. */
const found = ({ takeovers, hours }: Cell) =>
  takeovers === 0 ? `0 (in ${hours.toPrecision(2)} h)` : `${rate(takeovers / hours)} (${takeovers})`

export function takeoverTable(cells: readonly Cell[]): string {
  const key = (cell: Cell) => `${cell.disturbance}|${cell.intervalMs}|${cell.downTimerAdverts}`
  const rows = [...Map.groupBy(cells, key).values()].map((row) => {
    const of = (product: Product) => row.find((cell) => cell.product === product)
    const [first] = row
    if (first === undefined) return ''
    const measured = PRODUCTS.map((product) => of(product)).map((cell) => (cell === undefined ? '' : found(cell)))
    const expected = first.expected === undefined ? '–' : rate(first.expected)
    const { disturbance, intervalMs, downTimerAdverts } = first
    return `| ${[disturbance, `${intervalMs / 1000} s`, downTimerAdverts, ...measured, expected].join(' | ')} |`
  })
  return [
    `| disturbance | adverts | down_timer_adverts | ${PRODUCTS.map((each) => (each === 'tanist' ? '**Tanist**' : each)).join(' | ')} | expected |`,
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}
