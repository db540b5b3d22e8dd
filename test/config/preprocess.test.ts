import { describe, expect, test } from 'vitest'
import { collectDiagnostics, formatDiagnostic } from '../../src/config/diagnostic.ts'
import { expandBraces } from '../../src/config/preprocess/include.ts'
import { preprocess } from '../../src/config/preprocess/preprocess.ts'
import { surroundings } from '../support/surroundings.ts'

/** The lines that a text comes to, and what is said about it. */
function read(text: string, files: Readonly<Record<string, string>> = {}, environment = {}) {
  const { diagnostics, report } = collectDiagnostics()
  const lines = preprocess({ name: '/etc/t/main.conf', text }, surroundings(files, environment), report)
  return {
    texts: lines.map((line) => line.text),
    lines,
    codes: diagnostics.map(({ code }) => code),
    messages: diagnostics.map((each) => formatDiagnostic(each)),
  }
}

describe('comments and quotes in a configuration', () => {
  test.each([
    ['a b ! c', ['a b']],
    ['a b# c', ['a b']],
    ['a "b # c" d ! e', ['a "b # c" d']],
    [String.raw`a \#b \!c # d`, ['a #b !c']],
    ['  \t a \r\n\r\n!\n b', ['a', 'b']],
    ["a 'b # c'", ["a 'b"]],
  ])('%j', (text, expected) => expect(read(text).texts).toEqual(expected))

  test('a quote that is not closed is reported', () => expect(read('a "b\nc').codes).toEqual(['unterminated-quote']))
})

describe('definitions in a configuration', () => {
  test.each([
    ['$A=1\nx $A', ['x 1']],
    ['$A=1\nx ${A}2', ['x 12']],
    ['$A=1\nx $A,$A)', ['x 1,1)']],
    ['$A=1\nx $A.2', ['x $A.2']],
    ['$A=\nx${A}y', ['xy']],
    ['$A=${B}\n$B=1\nx $A\n$B=2\nx $A', ['x 1', 'x 2']],
    ['$A=1\n$A=2\nx $A', ['x 2']],
    ['$M= \\\n a 1 \\\n b $N \\\n c\n$N=2\nx $M', ['x a 1', 'b 2', 'c']],
    ['$M= \\\n $N=3 \\\n b $N\n$M', ['b 3']],
    ['$M= \\\n @lb1 yes \\\n @other no\n$M', ['yes']],
    // keepalived's manual page shows both: a definition within one, and one that refers to it.
    ['$I=0\n$R= \\\n a $I \\\n b\n$V= \\\n $I=1 \\\n $R \\\n $I= \\\n c${I}\n$V', ['a 1', 'b', 'c']],
    ['$M= \\\n ~SEQ(i,1,2) $L \\\n x\n$L= \\\n l$i \\\n m\n$M', ['l1', 'm', 'l2', 'm', 'x']],
    ['$A=\n$A\n${A} ${A}\nx', ['x']],
    ['$M= \\\n a \\\n # b \\\n c # d \\\n e\nf\n$M', ['f', 'a', 'c', 'e']],
    ['$M=a # b \\\n c\n$M', ['a', 'c']],
    ['$M= \\\n a \\\n\nb\n$M', ['b', 'a']],
    ['x # c \\\ny', ['x', 'y']],
    ['$C=${_HASH}\n$C x\n${_BANG}y\nz', ['z']],
    ['$H=${_HASH}\nx a${H}b "${_HASH}" ${_HASH}', ['x a#b "#" #']],
    ['x ${_PWD} ${_INSTANCE} ${_HASH}${_BANG} ${_RANDOM 3 9}', ['x /etc/t lb1 #! 3']],
    ['x ${_ENV HOME}-${_ENV NONE}-', ['x /root--']],
  ])('%j', (text, expected) => {
    expect(read(text, {}, { HOME: '/root' }).texts).toEqual(expected)
  })

  test('a name that is not defined stays, with a warning', () => {
    expect(read('x $FOO')).toMatchObject({ texts: ['x $FOO'], codes: ['undefined-name'] })
  })

  test.each([
    ['$A=${A}\nx $A', 'expansion-limit'],
    ['$A=${B}\n$B=${A}\nx $A', 'expansion-limit'],
    ['$_A=1', 'bad-definition'],
    ['$A= \\\n 1 \\\n 2\nx $A y', 'bad-definition'],
    ['x ${_RANDOM 9 3}', 'bad-value'],
    ['$A= \\\n x \\\n # end\n', 'unclear-definition'],
    ['$A= \\\n $B= \\\n x', 'unclear-definition'],
  ])('%j is %s', (text, code) => expect(read(text).codes).toContain(code))

  test('a character that keepalived would take for a comment is reported, but not in quotes', () => {
    expect(read('x a${_HASH}b').codes).toEqual(['unclear-definition'])
    expect(read('x "a${_HASH}b" "${_BANG}"\n${_HASH} y').codes).toEqual([])
  })

  test('a definition that uses itself is told once, a name that is not defined once for each place', () => {
    expect(read('$A= \\\n x \\\n $A \\\n ${A}${A}\n$A\n$A').codes).toEqual(['expansion-limit'])
    expect(read('$A= \\\n x $N \\\n y ${N}\n~SEQ(i,1,3) $A').codes).toEqual(['undefined-name', 'undefined-name'])
  })

  test('a definition that doubles itself again and again is stopped', () => {
    const names = Array.from({ length: 30 }, (_, i) => `$A${i + 1}=\${A${i}}\${A${i}}`)
    const { codes } = read(`$A0=xxxxxxxxxx\n${names.join('\n')}\ny $A30`)
    expect(codes).toContain('expansion-limit')
  })
})

describe('conditions and loops in a configuration', () => {
  test.each([
    ['@lb1 a\n@lb2 b\n@^lb1 c\n@^lb2 d', ['a', 'd']],
    ['@lb1 $A=1\n@lb2 $A=2\nx $A', ['x 1']],
    ['~SEQ(i,1,3) x $i', ['x 1', 'x 2', 'x 3']],
    ['~SEQ(i,3) x $i', ['x 1', 'x 2', 'x 3']],
    ['~SEQ(i,10,-4,1) x ${i}y', ['x 10y', 'x 6y', 'x 2y']],
    ['~SEQx(i,0x9,0xb) ${i}', ['9', 'a', 'b']],
    ['~SEQ(i,1,2) ~SEQ(j,1,2) $i $j', ['1 1', '1 2', '2 1', '2 2']],
    ['~LST(a,x,y, z) $a', ['x', 'y', 'z']],
    ['~LST({a,b},{1,2},{3}) ${a}-${b}-', ['1-2-', '3--']],
  ])('%j', (text, expected) => expect(read(text).texts).toEqual(expected))

  test.each([
    ['~SEQ(i,1,0,3) x', 'bad-definition'],
    ['~SEQ(i) x', 'bad-definition'],
    ['~SEQ(1,2) x', 'bad-definition'],
    ['~SEQ(i,1,999999999) x', 'bad-definition'],
    ['~LST(a) x', 'bad-definition'],
    ['~SEQ i x', 'bad-definition'],
    ['$i=1\n~SEQ(i,1,2) $i', 'bad-definition'],
    ['~SEQ(i,1,1000) ~SEQ(j,1,1000) x', 'expansion-limit'],
  ])('%j is %s', (text, code) => expect(read(text).codes).toContain(code))
})

describe('included files', () => {
  const files = {
    '/etc/t/a.conf': 'a\ninclude sub/b.conf',
    '/etc/t/sub/b.conf': 'b ${_PWD}\ninclude c.conf',
    '/etc/t/sub/c.conf': 'c',
    '/etc/t/x1.inc': 'x1',
    '/etc/t/x2.inc': 'x2',
    '/etc/t/loop.conf': 'include loop.conf',
    '/etc/t/checked.conf': 'include_check match wildcard_match\ninclude none-*.conf',
  }

  test('are looked for relative to the file that includes them', () => {
    expect(read('include a.conf\nend', files).texts).toEqual(['a', 'b /etc/t/sub', 'c', 'end'])
  })

  test('are found by patterns and alternatives', () => {
    expect(read('include x*.inc', files).texts).toEqual(['x1', 'x2'])
    expect(read('include {x2,x1}.inc', files).texts).toEqual(['x2', 'x1'])
    expect(expandBraces('{f/{,cat,dog},bar}')).toEqual(['f/', 'f/cat', 'f/dog', 'bar'])
    expect(expandBraces('a{}b{c')).toEqual(['a{}b{c'])
  })

  test.each([
    ['include none.conf', ['missing-file']],
    ['include none-*.conf', ['no-match']],
    ['includem none-*.conf', ['no-match']],
    ['includew none-*.conf', ['missing-file']],
    ['include {x1,none}.inc', []],
    ['includeb {x1,none}.inc', ['missing-file']],
    ['includea none-*.conf', ['missing-file']],
    ['include', ['missing-argument']],
    ['include loop.conf', ['include-cycle']],
    ['include checked.conf\ninclude none-*.conf', ['missing-file', 'no-match']],
    ['include {n,m}.inc', ['no-match']],
    ['includem {n,m}.inc', ['missing-file']],
  ])('%j says %j', (text, codes) => expect(read(text, files).codes).toEqual(codes))
})

describe('the place of a character in a diagnostic', () => {
  const place = (text: string, index: number, files = {}) => {
    const line = read(text, files).lines[index]
    if (line === undefined) throw new Error('no such line')
    return line
  }

  test('is that in the file, behind a comment, an escape or blanks', () => {
    const text = String.raw`   a\#b c`
    const line = place(text, 0)
    const { start, end } = line.span(line.text.indexOf('c'))
    expect(text.slice(start, end)).toBe('c')
    expect(text.slice(line.span(0, 3).start, line.span(0, 3).end)).toBe(String.raw`a\#b`)
  })

  test('is that in the definition, with where it was used', () => {
    const text = '$A=hello\nx $A'
    const span = place(text, 0).span(2, 7)
    expect(text.slice(span.start, span.end)).toBe('hello')
    expect(span.expandedFrom && text.slice(span.expandedFrom.start, span.expandedFrom.end)).toBe('$A')
  })

  test('of a word from two definitions is where they are used', () => {
    const text = '$A=1\n$B=2\nx 10.${A}.${B}'
    const line = place(text, 0)
    const span = line.span(2)
    expect(text.slice(span.start, span.end)).toBe('10.${A}.${B}')
  })

  test('is told through includes and expansions', () => {
    const files = { '/etc/t/a.conf': '$V=y "open\nx $V' }
    expect(read('\ninclude a.conf', files).messages[0]).toBe(
      [
        '/etc/t/a.conf:1:6: error[unterminated-quote]: this quote is not closed on its line',
        '    1 | $V=y "open',
        '      |      ^^^^^',
        '      = included from /etc/t/main.conf:2:9',
      ].join('\n'),
    )
  })
})
