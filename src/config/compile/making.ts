import { type NumberOf, ROUTING_KINDS, type RoutingKind } from './routing-names.ts'

/** Collects what is found out about one line while something is made of it. */
export class Making {
  readonly errors: { readonly message: string; readonly instead: string | undefined }[] = []
  readonly remarks: string[] = []

  /** The kernel would refuse it. `instead`: what was certainly meant. */
  wrong(message: string, instead?: string): void {
    this.errors.push({ message, instead })
  }

  /** It will not be as it was written. */
  remark(message: string): void {
    this.remarks.push(message)
  }

  /** The number of a name, if one is said. */
  number(numberOf: NumberOf, kind: RoutingKind, text: string | undefined): number | undefined {
    if (text === undefined) return undefined
    const number = numberOf(kind, text)
    if (number === undefined) {
      const { called, file, limit } = ROUTING_KINDS[kind]
      this.wrong(
        /^(0x)?\d/i.test(text)
          ? `\`${text}\` is no ${called}: the numbers go up to ${limit}`
          : `there is no ${called} \`${text}\`: no file ${file} of this host has it`,
      )
    }
    return number
  }
}
