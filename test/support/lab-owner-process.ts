/** Builds the lab of a configuration for both directors, says so, and goes on until it is ended. */
import { readFileSync } from 'node:fs'
import { hostSurroundings } from '../../src/host/config-file.ts'
import { buildLab } from '../../src/lab/build.ts'

const [file = ''] = process.argv.slice(2)
const director = {
  source: { name: file, text: readFileSync(file, 'utf8') },
  surroundings: hostSurroundings('main'),
  kind: 'tanist',
} as const
const { directors } = await buildLab({ director1: director, director2: director })
process.send?.(directors.director1.id)
setInterval(() => {}, 60_000)
