import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** In files of other folders: what needs root, network namespaces, built programs or packages. */
const NEED_ROOT = [
  'test/check/{https,ping,servers/*}.test.ts',
  'test/cli/{away,cli,documented-options,keepalived-options,lacking}.test.ts',
  'test/config/oracle.test.ts',
  'test/daemon/{address-memory,kept-state,signals}.test.ts',
  'test/daemon/script/{commands,identities,misc-checks,news,pipes,queues,server,service,socket,tracking}.test.ts',
  'test/daemon/script/watch/{file-poll,process-watch}.test.ts',
  'test/daemon/director/scripts.test.ts',
  'test/host/*.test.ts',
  'test/lab/{accepted,agent,build,log-pipe,programs,probe,real-pair,stranger,ssh}.test.ts',
  'test/programs.test.ts',
]
/** What measures lost packets, gaps and take-overs, and is measured wrongly beside others. */
const TIMED = [
  'test/interop/*.test.ts',
  'test/netns/{calm,failures,hangs,restart,upgrade,vrrp-stop,wire}.test.ts',
  'test/lab/{book,pairs,soak,wrong-daemons}.test.ts',
  'test/**/*.timed.test.ts',
]
const FOLDERS = ['bpf', 'interop', 'kernels', 'netns', 'systemd'].map((name) => `test/${name}/**`)

/** Steps of a run, one after the other: what runs side by side, and what needs the machine for itself. */
const STEP = { together: 1, alone: 2, last: 3 } as const
/** Most of them wait most of the time. */
const SIDE_BY_SIDE = 3

/** What takes longest, longest first: begun late, it would keep all others waiting. */
const LONGEST = [
  'netns/vrrp-stop',
  'systemd/units',
  'netns/methods',
  'netns/vrrp-links',
  'netns/upgrade',
  'netns/vrrp-memory',
  'netns/failures',
  'netns/hangs',
  'netns/firewall',
  'bpf/schedulers',
  'bpf/reload-order',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.includes(`/test/${name}.`))
      return found < 0 ? LONGEST.length : found
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

const LISTED_PROGRAMS = 'test/support/only-listed-programs.ts'
/** A folder in which there is `node`, and nothing else. */
const ONLY_NODE = fileURLToPath(new URL('node_modules/node/bin', import.meta.url))

function project(
  name: string,
  step: keyof typeof STEP,
  settings: NonNullable<TestProjectInlineConfiguration['test']>,
): TestProjectInlineConfiguration {
  const groupOrder = STEP[step]
  return {
    test: {
      name,
      sequence: { groupOrder },
      maxWorkers: step === 'together' ? SIDE_BY_SIDE : 1,
      // What an idle machine does in a tenth.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      globalSetup: [LISTED_PROGRAMS],
      ...settings,
    },
  }
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    reporters: ['default'],
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit', 'together', {
        include: ['test/**/*.test.ts', 'test/kernels/differ/*.test.ts'],
        exclude: [
          ...FOLDERS.filter((folder) => folder !== 'test/kernels/**'),
          'test/kernels/*.ts',
          ...NEED_ROOT,
          ...TIMED,
        ],
        globalSetup: [],
        env: { PATH: ONLY_NODE },
      }),
      project('bpf', 'together', { include: ['test/bpf/*.test.ts'], exclude: TIMED }),
      project('netns', 'together', { include: ['test/netns/*.test.ts', ...NEED_ROOT], exclude: TIMED }),
      project('systemd', 'together', { include: ['test/systemd/*.test.ts'], exclude: TIMED }),
      project('timed', 'alone', { include: TIMED }),
      project('kernels', 'last', { include: ['test/kernels/*.test.ts'] }),
    ],
  },
})
