import { ProcessWatcher } from '../../src/daemon/script/watch/process-watch.ts'

// Watches what its argument says, in JSON, and writes a line for each result. Ends with its standard input.
const watcher = new ProcessWatcher((results) => {
  for (const result of results) process.stdout.write(`${JSON.stringify(result)}\n`)
})
watcher.configure(JSON.parse(process.argv[2] ?? '[]'))
process.stdin.on('end', () => watcher.close()).resume()
