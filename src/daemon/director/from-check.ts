import type { HostNews } from '../../check/hosts.ts'
import {
  checked,
  type Decoder,
  integer,
  listOf,
  object,
  oneOf,
  optional,
  parsed,
  refuse,
  truth,
  variant,
} from '../../control/decode.ts'
import { LONGEST_STEP, MOST_STEPS } from '../../check/steps.ts'
import type { Asked, Step } from '../../model/asked.ts'
import type { WeightAsked } from '../../model/check.ts'
import { MAX_HOST_ADDRESSES } from '../../model/host-name.ts'
import { type Address, isIpv4, isUnicastAddress, parseAddress } from '../../net/address.ts'
import { type Millis, millis } from '../../time.ts'
import type { FromCheck, Verdict } from '../messages.ts'

/**
 * Reads what the check process says. It has no privileges and reads bytes of the network: what it says is believed about servers, and
 * about nothing else. Throws RequestError, which names the field, at anything that it would not say itself. Everything has a bound.
 */
export const readFromCheck = (message: unknown): FromCheck => fromCheck(message, 'message')

/** More than all checkers and news that a director may have. */
const MOST = 1_000_000
/** Characters of a reason. */
const LONGEST_REASON = 4096
/** The name of a group is in it, as long as the file has it. */
const LONGEST_ID = 64 * 1024
/** Of DNS (RFC 1035 §2.3.4). */
const LONGEST_HOST = 255
/** The last moment that a Date can say, in ms since the epoch. */
const LAST_MOMENT = 8.64e15
/** Beyond IPVS's weights. */
const GREATEST_WEIGHT = 2 ** 32

const text =
  (most: number): Decoder<string> =>
  (value, path) =>
    typeof value === 'string' && value.length <= most
      ? value
      : refuse(path, `text of at most ${most} characters`, value)

const duration: Decoder<Millis> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? millis(value)
    : refuse(path, 'a duration in ms', value)

const only: Decoder<true> = (value, path) => (value === true ? true : refuse(path, 'true', value))

const value = integer(-GREATEST_WEIGHT, GREATEST_WEIGHT)
const weight = variant<WeightAsked>('type', {
  is: object({ type: oneOf('is'), value }),
  add: object({ type: oneOf('add'), value }),
  percent: object({ type: oneOf('percent'), value }),
  drain: object({ type: oneOf('drain') }),
})

const verdict = object<Verdict>({
  id: text(LONGEST_ID),
  at: integer(0, LAST_MOMENT),
  up: truth,
  reason: text(LONGEST_REASON),
  duration,
  weight: optional(weight),
  unreachable: optional(only),
  notAsked: optional(only),
  unheard: optional(only),
  warning: optional(text(LONGEST_REASON)),
})

const asked = object<Asked>({
  up: optional(truth),
  reason: text(LONGEST_REASON),
  weight: optional(weight),
  warning: optional(text(LONGEST_REASON)),
  duration,
  steps: listOf(object<Step>({ what: text(LONGEST_STEP), after: duration }), MOST_STEPS),
})

const address = parsed<Address>((said) => {
  const found = parseAddress(said)
  return found !== undefined && isUnicastAddress(found) ? found : undefined
}, 'the address of a host')

const askedName = { host: text(LONGEST_HOST), family: oneOf('inet', 'inet6') } as const
const hostNews = variant<HostNews>('type', {
  failed: object({ type: oneOf('failed'), ...askedName, failure: text(LONGEST_REASON) }),
  found: checked(
    object<Extract<HostNews, { type: 'found' }>>({
      type: oneOf('found'),
      ...askedName,
      addresses: listOf(address, MAX_HOST_ADDRESSES),
      isCut: optional(only),
    }),
    ({ addresses, family }) =>
      addresses.length > 0 && addresses.every((each) => isIpv4(each) === (family === 'inet'))
        ? undefined
        : 'addresses of the family that is asked for',
  ),
})

const fromCheck = variant<FromCheck>('type', {
  verdicts: object({ type: oneOf('verdicts'), verdicts: listOf(verdict, MOST) }),
  host: object({ type: oneOf('host'), news: hostNews }),
  told: object({ type: oneOf('told'), numbers: listOf(integer(0, Number.MAX_SAFE_INTEGER), MOST) }),
  asked: object({ type: oneOf('asked'), number: integer(0, Number.MAX_SAFE_INTEGER), asked }),
})
