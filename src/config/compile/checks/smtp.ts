import type { Check, CheckSchedule } from '../../../model/check.ts'
import type { RealServerSettings } from '../../keywords/root.ts'

type SmtpCheck = RealServerSettings['SMTP_CHECK'][number]

/** A checker for each block `host`, which keepalived had once: what that says counts in the checker's place. Else the checker. */
export function smtpChecks(check: SmtpCheck): readonly SmtpCheck[] {
  if (check.host.length === 0) return [check]
  return check.host.map((host) => {
    const said = Object.entries(host).filter(([, value]) => value !== undefined)
    return { ...check, ...Object.fromEntries(said) }
  })
}

export const smtpCheck = ({ helo_name, starttls }: SmtpCheck, schedule: CheckSchedule): Check => ({
  ...schedule,
  type: 'SMTP_CHECK',
  heloName: helo_name,
  startTls: starttls,
})
