import type { Check, CheckSchedule } from '../../../model/check.ts'
import type { RealServerSettings } from '../../keywords/root.ts'

export const dnsCheck = (
  { type, name, answer }: RealServerSettings['DNS_CHECK'][number],
  schedule: CheckSchedule,
): Check => ({ ...schedule, type: 'DNS_CHECK', query: { type, name, answer } })
