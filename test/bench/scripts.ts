import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ScriptHost } from '../support/script-host.ts'

/** How much of a core the script process needs for so many tracking scripts a second, itself and all that it starts. */
const SCRIPTS = 100
const SECONDS = 10
/** Of clock_t in /proc. */
const TICKS_A_SECOND = 100

/** Seconds of processor time: its own, and of the programs that have ended. */
function processorTime(pid: number): { readonly own: number; readonly programs: number } {
  const [, after = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const fields = after.split(' ').map(Number)
  const sum = (first: number) => ((fields[first] ?? 0) + (fields[first + 1] ?? 0)) / TICKS_A_SECOND
  return { own: sum(11), programs: sum(13) }
}

const host = new ScriptHost()
try {
  host.start()
  const names = Array.from({ length: SCRIPTS }, (_, i) => `chk_${i}`)
  const counting = host.script('counting', `printf . >> ${host.path('runs')}`)
  // Every tenth is a shell script that leaves a trace, all others are as short as a program can be.
  const scripts = names.map(
    (name, i) => `vrrp_script ${name} { script "${i % 10 === 0 ? counting : '/bin/true'}"
    interval 1
  }`,
  )
  await host.configure(`${scripts.join('\n')}
vrrp_instance VI_1 { interface eth0
  virtual_router_id 51
  virtual_ipaddress { 10.9.9.9/32 }
  track_script {
    ${names.join('\n    ')}
  }
}`)
  await sleep(2000)
  const runs = () => readFileSync(host.path('runs')).length
  const [before, begun] = [processorTime(host.pid), runs()]
  await sleep(SECONDS * 1000)
  const [after, ended] = [processorTime(host.pid), runs()]
  const rate = ((ended - begun) / SECONDS) * 10
  const percent = (seconds: number) => `${((seconds / SECONDS) * 100).toFixed(1)} %`
  console.log(`${rate.toFixed(1)} scripts a second, a tenth of them of bash, for ${SECONDS} s`)
  console.log(
    `script process ${percent(after.own - before.own)} of a core, programs ${percent(after.programs - before.programs)}`,
  )
} finally {
  host.destroy()
}
