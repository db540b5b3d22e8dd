import { DirectorHost } from '../../support/director.ts'
import { KeepalivedHost } from '../../support/keepalived.ts'
import type { Lab } from '../../support/lab.ts'

/** A daemon of either kind, started with a file. */
export interface UnderTest {
  start(): Promise<void>
  /** Puts another text into force by SIGHUP. */
  reload(config: string): void
  /** How it has ended: `exit status 0`, `SIGKILL`. */
  stop(signal: 'SIGTERM' | 'SIGINT'): Promise<string>
  /** What it has logged. */
  log(): string
}

export type ProductName = 'keepalived' | 'tanist'

/** `processes`: it follows some. */
export function underTest(product: ProductName, lab: Lab, host: string, config: string, processes: boolean): UnderTest {
  return product === 'keepalived' ? keepalived(lab, host, config, processes) : tanist(lab, host, config)
}

function keepalived(lab: Lab, host: string, config: string, entersByItself: boolean): UnderTest {
  const daemon = new KeepalivedHost(lab, host, config, { entersByItself })
  return {
    start: () => {
      daemon.start()
      return Promise.resolve()
    },
    reload: (text) => {
      daemon.configure(text)
      daemon.reload()
    },
    stop: (signal) => daemon.end(signal),
    log: () => daemon.logText(),
  }
}

function tanist(lab: Lab, host: string, config: string): UnderTest {
  const daemon = new DirectorHost(lab, host, config)
  return {
    start: () => daemon.start(),
    reload: (text) => {
      daemon.configure(text)
      process.kill(daemon.pid ?? 0, 'SIGHUP')
    },
    stop: (signal) => daemon.end(signal),
    log: () => daemon.logText(),
  }
}
