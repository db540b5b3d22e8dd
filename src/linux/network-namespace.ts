import { closeSync, openSync } from 'node:fs'
import { calls, checked } from './libc.ts'

const CLONE_NEWNET = 0x40000000

/**
 * Does something in a network namespace, by its file: a socket stays in the namespace that it was opened in. `act` must open it before
 * it returns. Only this thread is there meanwhile. Throws when that one cannot be entered.
 */
export function inNetwork<T>(file: string, act: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r')
  const away = openSync(file, 'r')
  try {
    checked(calls.setns(away, CLONE_NEWNET), 'enter', file)
    try {
      return act()
    } finally {
      checked(calls.setns(home, CLONE_NEWNET), 'return from', file)
    }
  } finally {
    closeSync(away)
    closeSync(home)
  }
}
