import type { Member } from './state.ts'

/** Rows of a block. A change copies one block, and the list of all blocks: 64 places of 1000 instances. */
const BLOCK = 32

/** Some members, when each of them is due next (infinite: it waits for no time), and the soonest of these. */
interface Block {
  readonly members: readonly Member[]
  readonly dueAt: readonly number[]
  readonly next: number
}

/** What does not change from one configuration to the next. */
interface Shape {
  readonly places: ReadonlyMap<string, number>
  /** Who may have an address, by `addressKey`. */
  readonly claimants: ReadonlyMap<string, readonly string[]>
}

/**
 * The members of one configuration by their names, and when each is due. It never changes: `with` makes another one, which
 * shares nearly all with it, so that a step costs the same among ten instances and among a thousand, and the states of before
 * stay what they were.
 */
export class MemberTable implements ReadonlyMap<string, Member> {
  readonly #shape: Shape
  readonly #blocks: readonly Block[]
  /** When the first of all is due. */
  readonly next: number

  private constructor(shape: Shape, blocks: readonly Block[], next: number) {
    this.#shape = shape
    this.#blocks = blocks
    this.next = next
  }

  /** Of these, none of which is due. `addressesOf`: the addresses that one lists, as `addressKey` says them. */
  static of(members: readonly Member[], addressesOf: (member: Member) => readonly string[]): MemberTable {
    return new MemberTable(
      shapeOf(members, addressesOf),
      blocksOf(members, () => Number.POSITIVE_INFINITY),
      Number.POSITIVE_INFINITY,
    )
  }

  /** With a member as it is by now. Its name must be there. */
  with(member: Member): MemberTable {
    return this.#replace(member.config.name, ({ members, dueAt, next }, i) => ({
      members: members.with(i, member),
      dueAt,
      next,
    }))
  }

  /** Without a member. Costs as much as all of them. */
  without(name: string): MemberTable {
    const rest = [...this.values()].filter(({ config }) => config.name !== name)
    const claimants = [...this.#shape.claimants].map(
      ([key, names]) => [key, names.filter((each) => each !== name)] as const,
    )
    const places = new Map(rest.map(({ config }, i) => [config.name, i]))
    const blocks = blocksOf(rest, ({ config }) => this.dueAt(config.name))
    return new MemberTable({ places, claimants: new Map(claimants) }, blocks, soonest(blocks))
  }

  /** With the time when a member is due next. */
  withDue(name: string, dueAt: number): MemberTable {
    if (this.dueAt(name) === dueAt) return this
    return this.#replace(name, (block, i) => blockOf(block.members, block.dueAt.with(i, dueAt)))
  }

  dueAt(name: string): number {
    const place = this.#shape.places.get(name) ?? -1
    return this.#blocks[Math.floor(place / BLOCK)]?.dueAt[place % BLOCK] ?? Number.POSITIVE_INFINITY
  }

  /** The names of those that are due by then, in their order. */
  due(by: number): readonly string[] {
    return this.#blocks.flatMap(({ members, dueAt, next }) =>
      next <= by ? members.flatMap(({ config }, i) => ((dueAt[i] ?? by) <= by ? [config.name] : [])) : [],
    )
  }

  /** Those that list an address, by its `addressKey`. */
  claimants(key: string): readonly Member[] {
    return (this.#shape.claimants.get(key) ?? []).flatMap((name) => this.get(name) ?? [])
  }

  get size(): number {
    return this.#shape.places.size
  }

  has(name: string): boolean {
    return this.#shape.places.has(name)
  }

  get(name: string): Member | undefined {
    const place = this.#shape.places.get(name)
    if (place === undefined) return undefined
    return this.#blocks[Math.floor(place / BLOCK)]?.members[place % BLOCK]
  }

  keys(): MapIterator<string> {
    return this.#shape.places.keys()
  }

  *values(): MapIterator<Member> {
    for (const { members } of this.#blocks) yield* members
  }

  *entries(): MapIterator<[string, Member]> {
    for (const member of this.values()) yield [member.config.name, member]
  }

  [Symbol.iterator](): MapIterator<[string, Member]> {
    return this.entries()
  }

  forEach(callback: (member: Member, name: string, map: ReadonlyMap<string, Member>) => void): void {
    for (const [name, member] of this) callback(member, name, this)
  }

  #replace(name: string, change: (block: Block, index: number) => Block): MemberTable {
    const place = this.#shape.places.get(name)
    const index = Math.floor((place ?? -1) / BLOCK)
    const block = this.#blocks[index]
    if (place === undefined || block === undefined) throw new Error(`there is no instance ${name}`)
    const changed = change(block, place % BLOCK)
    const blocks = this.#blocks.with(index, changed)
    // Only a block that was the soonest can make all of them later.
    const isFirst = block.next === this.next && changed.next !== this.next
    return new MemberTable(this.#shape, blocks, isFirst ? soonest(blocks) : Math.min(this.next, changed.next))
  }
}

const soonest = (blocks: readonly Block[]): number =>
  blocks.reduce((least, { next }) => Math.min(least, next), Number.POSITIVE_INFINITY)

const blockOf = (members: readonly Member[], dueAt: readonly number[]): Block => ({
  members,
  dueAt,
  next: dueAt.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY),
})

const blocksOf = (members: readonly Member[], dueAt: (member: Member) => number): readonly Block[] =>
  Array.from({ length: Math.ceil(members.length / BLOCK) }, (_, i) => {
    const some = members.slice(i * BLOCK, (i + 1) * BLOCK)
    return blockOf(some, some.map(dueAt))
  })

function shapeOf(members: readonly Member[], addressesOf: (member: Member) => readonly string[]): Shape {
  const claimants = new Map<string, string[]>()
  for (const member of members) {
    for (const key of addressesOf(member)) {
      const names = claimants.get(key)
      if (names === undefined) claimants.set(key, [member.config.name])
      else names.push(member.config.name)
    }
  }
  return { places: new Map(members.map(({ config }, i) => [config.name, i])), claimants }
}
