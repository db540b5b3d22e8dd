import type { Step } from '../vrrp/effect.ts'
import type { Event } from '../vrrp/state.ts'
import { type Fault, faultText } from './fault.ts'

/** Something that happened, in a sentence. `at`: in ms from the beginning. */
export interface Line {
  readonly at: number
  readonly text: string
}

/** BOUNDED: the story is the last lines before its end. */
const MOST_LINES = 400

/** What happened: as a number that tells histories apart, and, where that is wanted, in sentences. */
export class History {
  readonly #tells: boolean
  #lines: Line[] = []
  #sum = 0x811c9dc5
  #isOver = false

  constructor(tells: boolean) {
    this.#tells = tells
  }

  get hash(): string {
    return (this.#sum >>> 0).toString(16).padStart(8, '0')
  }

  get lines(): readonly Line[] {
    return this.#lines.slice(-MOST_LINES)
  }

  stepped(at: number, name: string, { type }: Event, { effects }: Step): void {
    this.#add(type.charCodeAt(0))
    this.#add(Math.round(at * 1000))
    for (const effect of effects) {
      this.#add(effect.type.length * 31 + effect.type.charCodeAt(0))
      if (effect.type !== 'transition') continue
      this.#add(effect.to.charCodeAt(0))
      const { instance, from, to, reason } = effect
      this.tell(at, `${name}: ${instance.name} ${from} → ${to}: ${reason}`)
    }
  }

  struck(at: number, fault: Fault, names: readonly string[]): void {
    this.#add(Math.round(at * 1000))
    this.tell(at, faultText(fault, names))
  }

  tell(at: number, text: string): void {
    if (!this.#tells || this.#isOver) return
    this.#lines.push({ at, text })
    if (this.#lines.length > 2 * MOST_LINES) this.#lines = this.#lines.slice(-MOST_LINES)
  }

  /** What comes now is not told any more. */
  end(at: number, text: string): void {
    this.tell(at, text)
    this.#isOver = true
  }

  /** FNV-1a over the bytes of a number. */
  #add(value: number): void {
    let rest = value
    for (let i = 0; i < 6; i++) {
      this.#sum = Math.imul(this.#sum ^ (rest & 0xff), 0x01000193)
      rest = Math.floor(rest / 256)
    }
  }
}

/** A story as people read it. */
export const storyText = (lines: readonly Line[]): string =>
  lines.map(({ at, text }) => `${(at / 1000).toFixed(3).padStart(10)} s  ${text}\n`).join('')
