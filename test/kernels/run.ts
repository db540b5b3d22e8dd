// Runs a command under Debian's kernel: `npm run kernel -- 'COMMAND'`, for example a test file of this repository.
import { debianKernel, startUnder } from './debian.ts'

const command = process.argv.slice(2).join(' ')
if (command === '') {
  console.error("usage: npm run kernel -- 'COMMAND'")
  process.exit(2)
}
const { ended } = startUnder(debianKernel(), command, {
  memoryMiB: Number(process.env['MEMORY_MIB'] ?? 8000),
  seconds: 3 * 3600,
  output: process.stdout.fd,
})
process.exitCode = (await ended) ?? 1
