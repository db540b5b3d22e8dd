import { afterAll, beforeAll, expect, test } from 'vitest'
import { DeadServerLab, longestTo } from '../support/dead-server.ts'

const lab = new DeadServerLab()
beforeAll(() => lab.start())
afterAll(() => lab.destroy())

test.each(['refuses', 'is silent'] as const)(
  'a dead server that %s gets its last new connection within the time that its check takes',
  { retry: 2 },
  async (death) => {
    for (let round = 0; round < 3; round++) {
      const took = await lab.die(death)
      expect(took).toBeLessThanOrEqual(longestTo(death))
      // Not before it was asked and asked again: nobody else takes it out.
      expect(took).toBeGreaterThan(death === 'refuses' ? 150 : 2150)
    }
  },
)
