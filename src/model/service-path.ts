/**
 * Firewall marks of checks that go the way of clients (`through_service`): these bits, and below them a number of the real server. The core
 * has a service of that server alone for each.
 */
export const PATH_MARK = { value: 0x17a0_0000, mask: 0xfff0_0000 } as const

/** Real servers that can be told apart: more than the core holds. */
export const MAX_PATHS = 2 ** 20

/** `>>> 0`: a number of 32 bits without a sign. */
export const isPathMark = (mark: number): boolean => (mark & PATH_MARK.mask) >>> 0 === PATH_MARK.value
