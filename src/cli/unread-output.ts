/** Output that could not be written. */
const EXIT_OUTPUT = 1

/**
 * What comes of output that nobody reads any more, as that of `… | head`: `end` is called, without a word. That it cannot be
 * written for another reason, such as a full disk, is said, and ends the program.
 */
export function whenUnread(end: () => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') {
        end()
        return
      }
      if (stream === process.stdout) process.stderr.write(`cannot write the output: ${error.message}\n`)
      process.exit(EXIT_OUTPUT)
    })
  }
}
