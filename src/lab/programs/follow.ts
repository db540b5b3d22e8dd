/**
 * Tells each new line of a file, as it grows.
 *
 *     follow.ts FILE
 *
 * Lines that are there at the beginning are not told. The file may not be there yet, and may be removed, made anew or emptied; what it has
 * then is new. Any question is answered with how many lines were told, when all that is there by now was read.
 */
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { Lines } from '../lines.ts'
import { tell, work } from '../program.ts'

/** When nothing says that the file has changed, as where its folder is not there yet. */
const LOOK_MS = 100
/** A line is cut there. */
const LONGEST_LINE = 1 << 16

const [path = ''] = process.argv.slice(2)
const buffer = Buffer.alloc(1 << 16)
let told = 0
const newLines = () =>
  new Lines(LONGEST_LINE, (line) => {
    told++
    tell(line)
  })
let lines = newLines()
let open: { readonly fd: number; readonly inode: number; at: number } | undefined
let isWatched = false

function stat(): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function look(): void {
  // What was written to a file before it was removed, too.
  readOn()
  const found = stat()
  if (open !== undefined && found?.ino !== open.inode) {
    closeSync(open.fd)
    open = undefined
    lines.end()
  }
  if (open === undefined && found !== undefined) begin(0)
  readOn()
  watchFolder()
}

function begin(at: number | 'end'): void {
  try {
    const fd = openSync(path, 'r')
    const { ino: inode, size } = fstatSync(fd)
    open = { fd, inode, at: at === 'end' ? size : at }
    lines = newLines()
  } catch {
    // it is gone again
  }
}

function readOn(): void {
  if (open === undefined) return
  if (fstatSync(open.fd).size < open.at) {
    open.at = 0
    lines = newLines()
  }
  for (;;) {
    const length = readSync(open.fd, buffer, 0, buffer.length, open.at)
    if (length === 0) return
    open.at += length
    lines.take(Buffer.from(buffer.subarray(0, length)))
  }
}

function watchFolder(): void {
  if (isWatched) return
  try {
    const watcher = watch(dirname(path), look)
    isWatched = true
    watcher.on('error', () => {
      watcher.close()
      isWatched = false
    })
  } catch {
    // it is not there yet
  }
}

if (path === '') throw new Error('follow which file?')
begin('end')
look()
setInterval(look, LOOK_MS)
work(() => {
  look()
  return told
})
