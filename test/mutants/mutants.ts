/** A wrong engine: a text of `src/vrrp` with another one in its place. */
export interface Mutant {
  readonly name: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** Who finds it: each of these. */
  readonly caughtBy: readonly ('conformance' | 'simulation')[]
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a master yields to a lower priority, and stays beside a higher one',
    file: 'instance.ts',
    from: '(priority > member.priority || (',
    to: '(priority < member.priority || (',
    caughtBy: ['conformance', 'simulation'],
  },
  {
    name: 'of two with one priority the smaller address wins',
    file: 'instance.ts',
    from: 'priority === member.priority && order > 0',
    to: 'priority === member.priority && order < 0',
    caughtBy: ['conformance'],
  },
  {
    name: 'of two with one priority both stay',
    file: 'instance.ts',
    from: ' || (priority === member.priority && order > 0)',
    to: '',
    caughtBy: ['conformance', 'simulation'],
  },
  {
    name: 'an advert does not restart the down timer',
    file: 'instance.ts',
    from: 'become({ masterDownAt, masterInterval, preemptAt: undefined })',
    to: 'become({ masterInterval, preemptAt: undefined })',
    caughtBy: ['conformance'],
  },
  {
    name: 'a master that leaves does not say so',
    file: 'members.ts',
    from: "if (this.get(name)?.state.name === 'master') this.advertise(name, 0)",
    to: '',
    caughtBy: ['conformance'],
  },
  {
    name: 'no skew',
    file: 'timers.ts',
    from: '((256 - priority) * unit) / 256',
    to: '0 * (unit + priority)',
    caughtBy: ['conformance'],
  },
  {
    name: 'two intervals instead of three',
    file: 'timers.ts',
    from: '(timing.adverts ?? 3) * masterInterval',
    to: '2 * masterInterval',
    caughtBy: ['conformance'],
  },
  {
    name: 'a backup waits by its own interval, not by the one that it has heard',
    file: 'instance.ts',
    from: 'const masterInterval = learnedInterval(config.advertInt, interval, again)',
    to: 'const masterInterval = again ? config.advertInt : config.advertInt',
    caughtBy: ['conformance'],
  },
  {
    name: 'members of a group do not wait for each other',
    file: 'group.ts',
    from: 'return groupNamed(groups, instance)?.instances ?? [instance]',
    to: 'return groupNamed(groups, instance) === undefined ? [instance] : [instance]',
    caughtBy: ['simulation'],
  },
  {
    name: 'nopreempt preempts',
    file: 'duty.ts',
    from: "if (!config.preempt) return 'nopreempt is set'",
    to: '',
    caughtBy: ['conformance'],
  },
  {
    name: 'preempt does not',
    file: 'instance.ts',
    from: '} else if (held !== undefined) {',
    to: '} else if (config.version > 1) {',
    caughtBy: ['conformance', 'simulation'],
  },
  {
    name: 'a backup keeps the addresses',
    file: 'holdings.ts',
    from: 'held.has(key) && !wanted.has(key))',
    to: 'held.has(key) && wanted.size < 0)',
    caughtBy: ['conformance', 'simulation'],
  },
  {
    name: 'a backup takes priority 0 for a lower one',
    file: 'instance.ts',
    from: 'if (priority === 0) {\n    become(',
    to: 'if (priority < 0) {\n    become(',
    caughtBy: ['conformance'],
  },
  {
    name: 'a master lets priority 0 pass',
    file: 'instance.ts',
    from: 'if (own.yielding === undefined) members.advertise(config.name)\n    else',
    to: 'if (own.yielding !== undefined)',
    caughtBy: ['conformance'],
  },
  {
    name: 'a master that answers a lower one does not',
    file: 'instance.ts',
    from: 'if (election.answersLower && !isDeaf && !isOurs) members.advertise(config.name)',
    to: '',
    caughtBy: ['conformance'],
  },
  {
    name: 'the adver timer takes four intervals',
    file: 'members.ts',
    from: 'advertiseAt: after(this.now, config.advertInt)',
    to: 'advertiseAt: after(this.now, millis(4 * config.advertInt))',
    caughtBy: ['conformance', 'simulation'],
  },
  {
    name: 'packets from other networks are taken',
    file: 'receive.ts',
    from: 'return ttl === NEIGHBOUR_TTL ? undefined',
    to: 'return ttl <= NEIGHBOUR_TTL ? undefined',
    caughtBy: ['conformance'],
  },
  {
    name: 'an instance in fault goes on',
    file: 'state.ts',
    from: 'if (link?.fault !== undefined) return',
    to: "if (link?.fault === 'no-source') return",
    caughtBy: ['conformance'],
  },
  {
    name: 'a master that is to hand over goes on speaking',
    file: 'instance.ts',
    from: 'else if (own.advertiseAt <= now) members.advertise(name)',
    to: 'if (own.advertiseAt <= now) members.advertise(name)',
    caughtBy: ['simulation'],
  },
  {
    name: 'a director in maintenance takes roles',
    file: 'group.ts',
    from: "if (own?.name === 'backup' && duty !== 'maintenance')",
    to: "if (own?.name === 'backup' && duty !== undefined)",
    caughtBy: ['simulation'],
  },
  {
    name: 'leases are not renewed',
    file: 'lease.ts',
    from: "if (others.length > 0) members.keep({ type: 'renew', addresses: others })",
    to: '',
    caughtBy: ['simulation'],
  },
]
