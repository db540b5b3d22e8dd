import { ControlClient } from '../../src/control/client.ts'
import type { Snapshot } from '../../src/control/snapshot.ts'
import type { Lab, Port } from './lab.ts'
import { installation, SystemdLab } from './systemd-lab.ts'

const UNIT = 'tanist'

/**
 * A director as an installation has it: the package's own units under a live systemd, on a host of a lab. It ends with `destroy`,
 * or with this process.
 */
export class UnitDirector {
  readonly host: string
  readonly #systemd: SystemdLab
  readonly #control: ControlClient

  private constructor(host: string, systemd: SystemdLab) {
    this.host = host
    this.#systemd = systemd
    this.#control = new ControlClient(`/proc/${systemd.pid}/root/run/tanist/tanist.sock`)
  }

  /** Installs the built package, boots, and connects the host to the switches of the lab; does not start the unit. */
  static async boot(lab: Lab, host: string, ports: readonly Port[], config: string): Promise<UnitDirector> {
    const systemd = await SystemdLab.boot(
      [
        installation(lab.directory),
        `install -m 644 -t $root/etc/systemd/system $root/usr/local/lib/node_modules/tanist/systemd/*`,
        `mkdir -p $root/etc/tanist`,
        `cat >$root/etc/tanist/tanist.conf <<'END'\n${config}END\n`,
      ].join('\n'),
    )
    lab.adoptHost(host, systemd.pid, ports)
    return new UnitDirector(host, systemd)
  }

  /** Returns when the daemon has said that it is ready. */
  start(): void {
    this.#systemd.shell(`systemctl start ${UNIT}`)
  }

  /** `systemctl restart`: returns when the new daemon has said that it is ready. */
  restart(): void {
    const before = this.#mainPid()
    this.#systemd.shell(`systemctl restart ${UNIT}`)
    if (this.#mainPid() === before) throw new Error(`systemd has restarted nothing:\n${this.logText()}`)
  }

  /** `tanist upgrade`: returns when the new daemon answers. Throws when it is refused, or when systemd has noticed. */
  upgrade(): void {
    const before = this.#mainPid()
    this.#systemd.shell('tanist upgrade')
    // The daemon is reloading for systemd until its election has begun.
    const state = `systemctl show --value -p ActiveState ${UNIT}`
    this.#systemd.shell(`for _ in $(seq 100); do [ "$(${state})" = reloading ] || break; sleep 0.1; done`)
    if (this.#mainPid() !== before) throw new Error(`systemd has noticed the upgrade:\n${this.logText()}`)
  }

  status(): Promise<Snapshot> {
    return this.#control.status()
  }

  logText(): string {
    return this.#systemd.shell(`journalctl --sync; journalctl --output cat --unit ${UNIT}`)
  }

  destroy(): Promise<void> {
    return this.#systemd.destroy()
  }

  /** Throws unless the unit is active and systemd never had to start it by itself. */
  #mainPid(): string {
    const shown = this.#systemd.shell(`systemctl show -p ActiveState -p MainPID -p NRestarts ${UNIT}`)
    const { ActiveState, MainPID, NRestarts } = Object.fromEntries(shown.split('\n').map((line) => line.split('=')))
    if (ActiveState !== 'active' || NRestarts !== '0') throw new Error(`${shown}\n${this.logText()}`)
    return MainPID
  }
}
