/** Sequences at whose end Tanist is another way than keepalived 2.2.7, and why. */
export const BY_DESIGN: Readonly<Record<string, string>> = {}
