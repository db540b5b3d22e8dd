/** The director's name where there is only one on the machine. */
export const DEFAULT_NAME = 'tanist'

/** Where the daemon listens and the clients look. */
export function defaultSocket(name: string): string {
  return `/run/tanist/${name}.sock`
}
