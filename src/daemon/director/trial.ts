import { execFile } from 'node:child_process'
import { LAYOUT_VERSION } from '../../forward/ebpf/layout/bounds.ts'
import { commandLine } from '../../linux/process.ts'

/** BOUNDED: how long the new program may take for one answer, and how much it may say. */
const TRIAL_MS = 30_000
const TRIAL_BYTES = 1 << 20

/** What the program that this process was started from has become. */
export interface Trial {
  readonly version: string
  /** LAYOUT_VERSION: whether its core takes over the one that is there. */
  readonly layout: number
}

/**
 * Runs what is installed by now with this process's own command line: does it start, and does it accept the configuration? Returns
 * what it says against it.
 */
export async function tryProgram(): Promise<Trial | { readonly errors: readonly string[] }> {
  try {
    const version = (await answerOf('--version')).trim()
    const layout = Number(await answerOf('--layout'))
    await answerOf('--test')
    return { version, layout }
  } catch (error) {
    return { errors: [error instanceof Error ? error.message : String(error)] }
  }
}

/** Rejects with what it says when it does not end with status 0. */
async function answerOf(question: string): Promise<string> {
  const [file, ...args] = [...commandLine(), question]
  const options = { timeout: TRIAL_MS, maxBuffer: TRIAL_BYTES, killSignal: 'SIGKILL' } as const
  return await new Promise((resolve, reject) => {
    execFile(file ?? '', args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const how = error.killed === true ? `no end within ${TRIAL_MS / 1000} s` : `exit status ${error.code}`
      const said = `${stderr}${stdout}`.trim()
      reject(new Error(`the new program fails with ${question} (${how})${said === '' ? '' : `:\n${said}`}`))
    })
  })
}

/** What does not survive another version's core. */
export function lostBy({ version, layout }: Trial): readonly string[] {
  if (layout === LAYOUT_VERSION) return []
  return [
    `version ${version} cannot take over this version's connections and services made by hand (tables of layout ${layout}, not ${LAYOUT_VERSION}); save the services with tanist-ipvsadm-save, then \`tanist upgrade --force\``,
  ]
}
