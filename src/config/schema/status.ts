/** Something that Tanist does not do yet, and what that means for who wrote it into a file. */
export interface Feature {
  /** As an operator would name it. */
  readonly name: string
  /**
   * `protection`: without it somebody else is master, serves, speaks or is told than the file says, so the daemon does not start
   * unless it is told to go on without. `harmless`: none of these.
   */
  readonly lack: 'protection' | 'harmless'
  /** What is so without it, as a part of a sentence. */
  readonly why: string
}

/** What comes of a keyword. */
export type Status =
  | { readonly effect: 'works' }
  /** Read and checked; the feature behind it comes later. A detail says no more than how: it is told with the rest. */
  | { readonly effect: 'later'; readonly feature: Feature }
  /** Read and checked; it will never do anything, for this reason. */
  | { readonly effect: 'none'; readonly why: string }
  /** An error, for this reason. */
  | { readonly effect: 'refused'; readonly why: string }
