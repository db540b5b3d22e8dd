/**
 * Where tanist-ipvsadm is meant to say, or to do, something else than ipvsadm 1.31. Everything else that differs in the comparison of
 * lines made by chance is a fault.
 */
export const DIFFERENCES: readonly { readonly lines: RegExp; readonly why: string }[] = [
  { lines: /^ipvsadm (-h|--help)/, why: 'the help is our own text' },
  {
    lines: / --nosort\b/,
    why: 'services are listed in the order in which they were made, which the kernel does not keep',
  },
  { lines: / --fullnat\b/, why: 'full NAT is not in ipvsadm, which does not know the word' },
  { lines: /^ipvsadm --start-daemon[ =](master|backup)/, why: 'there is no connection synchronisation yet' },
  {
    lines: / (-[a-zA-Z]*M[ =]?|--netmask[ =])(64|128|129|1|\S*255\.0\.255\S*)( |$)/,
    why: 'a netmask of IPv4 with holes is refused: most often it is the prefix length of IPv6, or a mistake',
  },
  {
    lines: /^(?!.* (-[A-Za-z]*p|--persistent)( |=|\d|$)).* --pe[ =]sip/,
    why: 'a persistence engine is kept only with -p: without it, it does nothing',
  },
]
