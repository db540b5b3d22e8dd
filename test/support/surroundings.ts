import { dirname, join, matchesGlob } from 'node:path'
import { hasWildcard } from '../../src/config/preprocess/include.ts'
import type { Surroundings } from '../../src/config/preprocess/preprocess.ts'

/** The outer edge of the configuration language, in memory: files by path, an environment, and no chance. */
export function surroundings(
  files: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): Surroundings {
  return {
    configId: 'lb1',
    environment: (name) => environment[name] ?? '',
    random: (low) => low,
    files: {
      glob(pattern, directory) {
        const path = pattern.startsWith('/') ? pattern : join(directory, pattern)
        return hasWildcard(path)
          ? Object.keys(files)
              .filter((name) => matchesGlob(name, path))
              .toSorted()
          : Object.keys(files).filter((name) => name === path)
      },
      read(path) {
        const text = files[path]
        return text === undefined ? { error: 'ENOENT' } : { text }
      },
      directoryOf: (path) => dirname(path),
    },
  }
}
