import fc from 'fast-check'

/** A valid reply with some of its bytes changed, others put in, and its end cut off or repeated; also as it is. */
export const mutated = (...valid: readonly (Uint8Array | string)[]): fc.Arbitrary<Buffer> =>
  fc
    .record({
      of: fc.constantFrom(...valid.map((bytes) => Buffer.from(bytes))),
      changes: fc.array(fc.record({ at: fc.nat(), value: fc.nat(255) }), { maxLength: 6 }),
      put: fc.record({ at: fc.nat(), bytes: fc.uint8Array({ maxLength: 12 }) }),
      cut: fc.nat(),
      times: fc.constantFrom(1, 1, 1, 2, 40),
    })
    .map(({ of, changes, put, cut, times }) => {
      const bytes = Buffer.from(of)
      for (const { at, value } of changes) bytes[at % bytes.length] = value
      const from = put.at % (bytes.length + 1)
      const longer = Buffer.concat([bytes.subarray(0, from), put.bytes, bytes.subarray(from)])
      // Half of them keep their end.
      const end = cut % 2 === 0 ? longer.length : (cut >>> 1) % (longer.length + 1)
      return Buffer.concat(Array.from({ length: times }, () => longer.subarray(0, end)))
    })
