import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressesInHostsFile } from '../../src/net/hosts-file.ts'

const TEXT = `127.0.0.1\tlocalhost
::1 localhost ip6-localhost # me
# 10.0.0.9 db
10.0.0.1  db.example.com db
10.0.0.2 DB
2001:DB8::1 db
not-an-address db
10.0.0.1 db`

test('all addresses of a name, of one family, each once, in the order of the file', () => {
  expect(addressesInHostsFile(TEXT, 'db', 'inet')).toEqual(['10.0.0.1', '10.0.0.2'])
  expect(addressesInHostsFile(TEXT, 'Db.', 'inet6')).toEqual(['2001:db8::1'])
  expect(addressesInHostsFile(TEXT, 'localhost', 'inet')).toEqual(['127.0.0.1'])
  expect(addressesInHostsFile(TEXT, 'me', 'inet')).toEqual([])
  expect(addressesInHostsFile(TEXT, '10.0.0.1', 'inet')).toEqual([])
})

test('anything may be in the file', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, host) => {
      expect(addressesInHostsFile(text, host, 'inet')).toBeInstanceOf(Array)
    }),
  )
})
