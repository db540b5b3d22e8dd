import { defineConfig, type OxlintOverride } from 'oxlint'

/**
 * Who may import whom: each folder of `src`, or a part of one, and the folders that it may import besides itself. The longest name
 * that a file's path begins with counts. docs/architecture.md has the same table, and test/borders.test.ts compares the two.
 */
export const BORDERS: Readonly<Record<string, readonly string[]>> = {
  time: [],
  net: ['time'],
  model: ['net', 'time'],
  config: ['model', 'net', 'time'],
  ipvsadm: ['model', 'net', 'time'],
  vrrp: ['model', 'net', 'time'],
  bfd: ['model', 'net', 'time'],
  simulate: ['vrrp', 'model', 'net', 'time'],
  notify: ['model', 'net', 'time'],
  check: ['model', 'net', 'time', 'linux'],
  'check/schedule': ['model', 'net', 'time'],
  balance: ['model', 'net', 'time'],
  linux: ['net', 'time'],
  forward: ['balance', 'linux', 'model', 'net', 'time'],
  control: ['model', 'net', 'time'],
  drill: ['simulate', 'config', 'model', 'net', 'time'],
  lab: ['drill', 'simulate', 'control', 'host', 'vrrp', 'config', 'linux', 'model', 'net', 'time'],
  host: ['config', 'ipvsadm', 'forward', 'balance', 'linux', 'model', 'net', 'time'],
  daemon: [
    'host',
    'control',
    'forward',
    'balance',
    'check',
    'notify',
    'vrrp',
    'bfd',
    'config',
    'linux',
    'model',
    'net',
    'time',
  ],
  cli: ['lab', 'drill', 'simulate', 'control', 'ipvsadm', 'host', 'config', 'model', 'net', 'time'],
  'cli/tanistd': ['daemon', 'forward', 'linux', 'host', 'config', 'model', 'net', 'time'],
  bin: ['cli'],
}

/** Without clocks, timers, processes and files: all that these know comes in by their arguments. */
export const PURE: readonly string[] = [
  'net',
  'model',
  'config',
  'ipvsadm',
  'vrrp',
  'bfd',
  'simulate',
  'drill',
  'notify',
  'balance',
  'check/schedule',
]

/** Pure folders that sign and verify: an HMAC is computed of its arguments alone. */
const SIGNING: readonly string[] = ['vrrp']

const FOLDERS = Object.keys(BORDERS).filter((name) => !name.includes('/'))
const NO_DUMPING_GROUNDS = {
  group: ['**/index.ts', '**/utils*', '**/helpers*', '**/common*'],
  message: 'No barrels and no dumping grounds.',
}
/** A probe answers one question once: what its answers come to is counted elsewhere. */
const NO_COUNTING = { regex: '^(\\.\\./)+(schedule|runner)\\.ts$', message: 'A probe counts nothing.' }
/** No folder lies deeper. */
const DEEPEST = 4

/** The rules for the files of a name that lie so many folders below `src`; `depth` 0: a file of that name. */
function border(name: string, depth: number): OxlintOverride {
  const own = name.split('/')[0] ?? name
  const foreign = FOLDERS.filter((folder) => folder !== own && !BORDERS[name]?.includes(folder))
  const isFile = depth < name.split('/').length
  const up = depth === 0 ? '\\./' : `(\\.\\./){${depth}}`
  const pattern = {
    regex: `^${up}(${foreign.join('|')})[/.]`,
    message: `${name} may import: ${BORDERS[name]?.join(', ')}`,
  }
  const ofNode = SIGNING.includes(name) ? ['node:*', '!node:crypto'] : ['node:*']
  const nodeItself = { group: ofNode, message: `${name} is pure.` }
  return {
    files: [isFile ? `src/${name}.ts` : `src/${name}${'/*'.repeat(depth - name.split('/').length + 1)}.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            NO_DUMPING_GROUNDS,
            pattern,
            ...(name === 'check' && depth > 1 ? [NO_COUNTING] : []),
            ...(PURE.includes(name) ? [nodeItself] : []),
          ],
        },
      ],
      ...(PURE.includes(name)
        ? {
            'no-restricted-globals': [
              'error',
              'Date',
              'performance',
              'process',
              'setTimeout',
              'setInterval',
              'setImmediate',
            ],
          }
        : {}),
    },
  }
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  env: { node: true, es2024: true },
  rules: {
    'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    'import/no-cycle': 'error',
    'import/no-default-export': 'off',
    'import/no-unassigned-import': 'off',
    'no-console': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { allowDefaultCaseForExhaustiveSwitch: false }],
    'typescript/consistent-type-imports': 'error',
    'typescript/no-unsafe-type-assertion': 'off',
    'no-restricted-imports': ['error', { patterns: [NO_DUMPING_GROUNDS] }],
    'unicorn/no-array-sort': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'no-await-in-loop': 'off',
    'no-shadow': 'off',
    'import/no-named-as-default-member': 'off',
    'typescript/consistent-return': 'off',
  },
  overrides: [
    ...Object.keys(BORDERS).flatMap((name) =>
      name === 'time'
        ? [border(name, 0)]
        : name.includes('/')
          ? [border(name, 1)]
          : Array.from({ length: DEEPEST }, (_, i) => border(name, i + 1)),
    ),
    { files: ['test/**'], rules: { 'no-console': 'off' } },
  ],
})
