/**
 * The same file and the same events for keepalived 2.2.7 and for Tanist, each with a peer of its own in a lab of its own at the same
 * time: the same states at the same times, the same scripts with the same arguments, the same lines in the pipe, the same addresses
 * and adverts, the same exit.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { differences, show } from './side-by-side/compare.ts'
import { INTERVAL_MS } from './side-by-side/configuration.ts'
import { files, processes } from './side-by-side/files-and-processes.ts'
import { groups } from './side-by-side/groups.ts'
import { links } from './side-by-side/links.ts'
import { perform } from './side-by-side/perform.ts'
import { reloads } from './side-by-side/reloads.ts'
import { faultScripts, weightScripts } from './side-by-side/scripts.ts'
import { telling } from './side-by-side/telling.ts'

/** What a busy machine takes beyond that. */
const NOISE_MS = 300
/** A daemon of several processes does not begin with everything at once, and tells of its end when it has come. */
const EDGE_MS = 1000
/** They wait nearly all of their time. */
vi.setConfig({ maxConcurrency: 6 })

/** `JUDGES=keepalived`: keepalived beside itself, which shows what of a difference is chance. */
const OTHER = process.env['JUDGES'] === 'keepalived' ? 'keepalived' : 'tanist'
/** A folder for what was seen, and the logs. */
const KEPT = process.env['RECORDINGS']
/** A busy machine. What is looked at is what was seen first. */
const RETRY = KEPT === undefined ? 2 : 0

const SUBJECTS = {
  'scripts that put in fault': faultScripts,
  'scripts with a weight': weightScripts,
  interfaces: links,
  files,
  processes,
  'sync groups': groups,
  'who is told': telling,
  reloads,
}

describe.concurrent.each(Object.entries(SUBJECTS))('beside keepalived: %s', (_, sequences) => {
  test.each(sequences)('$name', { retry: RETRY }, async (sequence) => {
    const [judge, other] = await Promise.all([perform(sequence, 'keepalived'), perform(sequence, OTHER)])
    if (KEPT !== undefined) {
      mkdirSync(KEPT, { recursive: true })
      const all = { keepalived: judge, [`other-${OTHER}`]: other }
      for (const [name, { recording, log }] of Object.entries(all))
        writeFileSync(join(KEPT, `${sequence.name}.${name}`), `${show(recording)}\n\n${log}`)
    }
    expect(judge.recording.some(({ channels }) => channels.pipe.length > 0)).toBe(true)
    const found = differences(judge.recording, other.recording, {
      ...sequence,
      ...(OTHER === 'keepalived' && { byDesign: [] }),
      toleranceMs: INTERVAL_MS + NOISE_MS + (sequence.slack ?? 0),
      edgeMs: EDGE_MS,
    })
    expect(found.join('\n'), `${show(judge.recording)}\n`).toBe('')
  })
})
