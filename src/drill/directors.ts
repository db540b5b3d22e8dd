import type { DirectorWord } from './language/words.ts'
import { type DirectorName, DIRECTORS, otherDirector } from './recording.ts'

/** Which directors a drill means. */
export function directorsMeant(word: DirectorWord | 'both', active: DirectorName): readonly DirectorName[] {
  switch (word) {
    case 'both':
      return DIRECTORS
    case 'active':
      return [active]
    case 'standby':
      return [otherDirector(active)]
    case 'director1':
    case 'director2':
      return [word]
  }
}
