const service = (inside: string) => `virtual_server 10.0.0.9 80 {\n  protocol TCP\n  ${inside}\n}`

/** Files that break a rule about servers that come back: the text, the code, and a part of the message. */
export const returningCases: Readonly<
  Record<string, readonly (readonly [text: string, code: string, message: string])[]>
> = {
  slowStartsHaveAnEffect: [
    [
      service('lvs_sched rr\n  slow_start 30\n  real_server 10.1.0.1 80 { weight 9 }'),
      'ignored-value',
      '`rr` does not look at weights',
    ],
    [
      service('real_server 10.1.0.1 80 {\n    slow_start 30\n  }'),
      'ignored-value',
      'there is no weight between 0 and 1',
    ],
  ],
  flapsCanBeSeen: [
    [
      service('delay_loop 20\n  flap_limit 5 60\n  real_server 10.1.0.1 80 { TCP_CHECK { } }'),
      'ignored-value',
      '`flap_limit` is never reached: so many take 80 s at least',
    ],
    [
      service('flap_limit 5 60\n  real_server 10.1.0.1 80 { }'),
      'ignored-value',
      'servers without checkers never change',
    ],
  ],
}
