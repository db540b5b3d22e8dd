/** What is known of servers by what their checkers have said, for a process that begins to check them: ids of checkers. */
export interface Found {
  /** One failure of a new process is not enough to take these out. */
  readonly up: readonly string[]
  /** One success of a new process is not enough to bring these back, with `rise`. */
  readonly down: readonly string[]
}

export const foundOf = ({ up, down }: Found): ReadonlyMap<string, 'up' | 'down'> =>
  new Map([...up.map((id) => [id, 'up'] as const), ...down.map((id) => [id, 'down'] as const)])
