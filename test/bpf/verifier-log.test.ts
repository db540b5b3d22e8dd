import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import pino from 'pino'
import { BpfObject } from '../../src/linux/bpf-object.ts'
import { lastLines } from '../../src/linux/verifier-log.ts'
import { compileBpf } from '../support/compile.ts'

/** Reads what a map may not have, which the verifier does not let pass. */
const REFUSED = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");
SEC("tc")
int refused(struct __sk_buff *skb)
{
	__u32 key = skb->mark;
	__u64 *number = bpf_map_lookup_elem(&numbers, &key);
	return *number == 7 ? 0 : 2;
}
char _license[] SEC("license") = "GPL";
`

const directory = mkdtempSync(join(tmpdir(), 'tanist-refused-'))
let object = ''
beforeAll(() => {
  const source = join(directory, 'refused.bpf.c')
  writeFileSync(source, REFUSED)
  object = compileBpf({ directory }, source)
})
afterAll(() => rmSync(directory, { recursive: true }))

/** What a load that fails says, and what stands in the log. */
function load(level: string): { message: string; lines: { level: number; msg: string }[] } {
  const lines: { level: number; msg: string }[] = []
  const log = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) })
  try {
    new BpfObject(object, { reuse: new Map(), without: [], log }).close()
    return { message: '', lines }
  } catch (error) {
    return { message: error instanceof Error ? error.message : '', lines }
  }
}

test('a program that the verifier refuses is an error with the last that it said, and all of it at debug', () => {
  const { message, lines } = load('debug')
  expect(message).toMatch(/^load .*refused\.o: EACCES; the kernel's verifier says at the end:\n/)
  expect(message).toMatch(/R\d invalid mem access 'map_value_or_null'/)
  expect(message.split('\n').length).toBeLessThanOrEqual(13)
  const debug = lines.filter(({ level }) => level === 20).map(({ msg }) => msg)
  expect(debug.find((text) => text.startsWith("the verifier's log:"))).toMatch(/invalid mem access 'map_value_or_null'/)
  // libbpf says itself at which program it was.
  expect(
    lines
      .filter(({ level }) => level === 40)
      .map(({ msg }) => msg)
      .join('\n'),
  ).toContain("prog 'refused'")
})

test('without debug the log has only what libbpf warns of', () => {
  const { message, lines } = load('info')
  expect(message).toContain('invalid mem access')
  expect(new Set(lines.map(({ level }) => level))).toEqual(new Set([40]))
})

test('of a long log the last lines are kept, each of them not too long', () => {
  const text = Array.from({ length: 100 }, (_, i) => `${i}: ${'x'.repeat(1000)}`).join('\n')
  const lines = lastLines(`${text}\n\n`)
  expect(lines).toHaveLength(12)
  expect(lines.at(-1)).toBe(`99: ${'x'.repeat(296)}`)
  expect(lastLines('')).toEqual([])
})
