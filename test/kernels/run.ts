// Runs a command under Debian's kernel: `npm run kernel -- 'COMMAND'`, for example a test file of this repository.
import { debianKernel, runUnder } from './debian.ts'

const command = process.argv.slice(2).join(' ')
if (command === '') {
  console.error("usage: npm run kernel -- 'COMMAND'")
  process.exit(2)
}
const status = await runUnder(debianKernel(), command, {
  memoryMiB: Number(process.env['MEMORY_MIB'] ?? 8000),
  seconds: 3 * 3600,
})
process.exitCode = status ?? 1
