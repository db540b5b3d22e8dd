import type { BfdCheck, FileCheck } from '../../../model/checker.ts'
import type { RealServerSettings, Settings } from '../../keywords/root.ts'
import { countingOf } from './counting.ts'

/** A factor of a file that nothing says. */
const AS_IT_IS = { weight: 1, reverse: false } as const

/** The factor is that of the checker, else that of the file's block. */
export function fileChecks({ FILE_CHECK: blocks }: RealServerSettings, { track_file: files }: Settings): FileCheck[] {
  return blocks.flatMap(({ track_file: name, weight: said }): FileCheck[] => {
    const file = files.find(({ id }) => id === name)
    if (file === undefined) return []
    const { weight, reverse } = said ?? file.weight ?? AS_IT_IS
    return [{ type: 'FILE_CHECK', file: file.id, weight, reverse }]
  })
}

/** The rules have seen to it that the session is there, and for checkers. */
export const bfdChecks = ({ BFD_CHECK: blocks }: RealServerSettings): BfdCheck[] =>
  blocks.flatMap(({ name, alpha }): BfdCheck[] =>
    name === undefined ? [] : [{ type: 'BFD_CHECK', session: name, ...countingOf({ alpha }) }],
  )
