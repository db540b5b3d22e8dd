import { MissingLibraryError } from '../linux/library.ts'
import { compileRegex } from '../linux/pcre2.ts'

/** What PCRE2 says is wrong with a regular expression; undefined: nothing, or this host does not have PCRE2. */
export function regexFault(pattern: string, options: readonly string[]): string | undefined {
  try {
    const made = compileRegex(pattern, options)
    if ('message' in made) return `at its character ${made.offset + 1}: ${made.message}`
    made.free()
    return undefined
  } catch (error) {
    if (error instanceof MissingLibraryError) return undefined
    throw error
  }
}
