import koffi from 'koffi'

/** Functions of a shared library by their C prototypes. */
interface Library {
  /** Whether this host has it. */
  readonly isPresent: boolean
  /** A function; each call throws MissingLibraryError when the host does not have the library. */
  func(prototype: string): ReturnType<ReturnType<typeof koffi.load>['func']>
}

/** A library that this host lacks. The message says what to install. */
export class MissingLibraryError extends Error {
  constructor(file: string, debianPackage: string) {
    super(`the library ${file} is not on this host: install ${debianPackage}`)
    this.name = 'MissingLibraryError'
  }
}

/**
 * A shared library of the system. That it is missing is only an error for who calls it: what needs no kernel, such as a check
 * of a file, works without.
 */
export function library(file: string, debianPackage: string): Library {
  try {
    const loaded = koffi.load(file)
    return { isPresent: true, func: (prototype) => loaded.func(prototype) }
  } catch {
    const missing = () => {
      throw new MissingLibraryError(file, debianPackage)
    }
    // Of the same shape as what koffi makes, which is never called in another way.
    return { isPresent: false, func: () => missing as unknown as ReturnType<Library['func']> }
  }
}
