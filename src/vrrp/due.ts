import type { Master, Member } from './state.ts'

const NEVER = Number.POSITIVE_INFINITY

/** When time next moves a member whose group is ready then; infinite when nothing of it waits for time. */
export function dueAt({ state, keeps, dual, robbed }: Member, ready: number): number {
  const leaving = Math.min(keeps?.type === 'leaving' ? keeps.until : NEVER, robbed?.until ?? NEVER)
  switch (state.name) {
    case 'init':
    case 'fault':
      return leaving
    case 'backup':
      return Math.min(leaving, ready, ...state.introduceAt)
    case 'master':
      return Math.min(
        leaving,
        speaksAt(state),
        dual?.until ?? NEVER,
        state.refreshAt ?? NEVER,
        state.extraAt ?? NEVER,
        ...state.announceAt,
      )
  }
}

/** When a master says something next: that it is one, or that it hands over. */
const speaksAt = ({ advertiseAt, yielding }: Master): number =>
  yielding === undefined ? advertiseAt : (yielding.againAt ?? yielding.until)
