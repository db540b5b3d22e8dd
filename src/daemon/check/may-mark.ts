/** Argument of the check process, behind the name of the director: it keeps the capability of marking packets, for checks with `fwmark`. */
export const MAY_MARK = 'may-mark'
