import { FileWatcher } from '../../src/daemon/script/watch/file-watch.ts'
import { ProcessWatcher } from '../../src/daemon/script/watch/process-watch.ts'
import type { Trackers, TrackerResult } from '../../src/model/tracking.ts'

// Watches what its argument says, in JSON, and writes a line for each result. Ends with its standard input.
const { files, processes } = JSON.parse(process.argv[2] ?? '') as Pick<Trackers, 'files' | 'processes'>
const write = (results: readonly TrackerResult[]) => {
  for (const result of results) process.stdout.write(`${JSON.stringify(result)}\n`)
}
const watchers = [new FileWatcher(write), new ProcessWatcher(write)] as const
watchers[0].configure(files, true)
watchers[1].configure(processes)
process.stdin.on('end', () => watchers.forEach((watcher) => watcher.close())).resume()
