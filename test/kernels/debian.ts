import { execFileSync, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { removeStaleFolders } from '../support/lab.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = join(REPOSITORY, 'node_modules', '.cache', 'kernels')

/** Of the folders that the machine shares; one that was left by a process that was killed is removed by the next. */
const TASK_PREFIX = 'tanist-task'

/** What the virtual machine needs before it sees this machine's files. */
const FIRST_MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay']

/** The parts of the package that the tests can use; the rest of its 400 MiB are drivers. */
const PARTS = [
  'boot',
  'crypto',
  'drivers/virtio',
  'drivers/net',
  'fs/9p',
  'fs/fscache',
  'fs/netfs',
  'fs/overlayfs',
  'lib',
  'net',
]

/** Debian's own kernel, which is older than most that Tanist is developed on and has what those may lack: IPVS, VLANs, SCTP. */
export interface Kernel {
  /** As `uname -r` prints it. */
  readonly release: string
  readonly image: string
  /** Its folder of /lib/modules. */
  readonly modules: string
  /** What it was unpacked into. */
  readonly root: string
}

/** Fetches and unpacks the kernel that Debian's `linux-image-amd64` stands for, once for each version. */
export function debianKernel(): Kernel {
  try {
    return latestKernel()
  } catch {
    // The lists of packages are older than the packages.
    execFileSync('apt-get', ['update', '-qq'])
    return latestKernel()
  }
}

function latestKernel(): Kernel {
  const depends = output('apt-cache', 'depends', '--important', 'linux-image-amd64')
  const name = /Depends: (linux-image-(\S+))/.exec(depends)
  if (name?.[1] === undefined || name[2] === undefined) throw new Error(`no kernel package: ${depends}`)
  const [, packageName, release] = name
  const folder = join(CACHE, release)
  if (!existsSync(folder)) unpack(packageName, release, folder)
  return {
    release,
    image: join(folder, 'boot', `vmlinuz-${release}`),
    modules: join(folder, 'lib', 'modules', release),
    root: folder,
  }
}

function unpack(packageName: string, release: string, folder: string): void {
  mkdirSync(CACHE, { recursive: true })
  const fresh = mkdtempSync(join(CACHE, 'new-'))
  try {
    execFileSync('apt-get', ['download', '-qq', packageName], { cwd: fresh, stdio: ['ignore', 'ignore', 'pipe'] })
    const archive = readdirSync(fresh).find((file) => file.endsWith('.deb'))
    if (archive === undefined) throw new Error(`apt-get left no ${packageName}`)
    execFileSync('dpkg', ['-x', archive, '.'], { cwd: fresh })
    const kernel = join(fresh, 'lib', 'modules', release, 'kernel')
    for (const part of readdirSync(kernel, { recursive: true, encoding: 'utf8' })) {
      if (part.endsWith('.ko') && !PARTS.some((wanted) => part.startsWith(`${wanted}/`))) rmSync(join(kernel, part))
    }
    rmSync(join(fresh, archive))
    execFileSync('/sbin/depmod', ['-b', fresh, release])
    renameSync(fresh, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

function makeInitramfs(kernel: Kernel, file: string): void {
  const root = mkdtempSync(join(tmpdir(), 'tanist-initramfs-'))
  try {
    for (const name of ['bin', 'modules', 'proc', 'sys', 'dev']) mkdirSync(join(root, name))
    cpSync('/bin/busybox', join(root, 'bin', 'busybox'))
    cpSync(fileURLToPath(new URL('init.sh', import.meta.url)), join(root, 'init'))
    execFileSync('chmod', ['755', join(root, 'init')])
    const needed = FIRST_MODULES.flatMap((module) =>
      output('/sbin/modprobe', '-d', kernel.root, '-S', kernel.release, '--show-depends', module)
        .split('\n')
        .flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []),
    )
    const order = [...new Set(needed)]
    for (const module of order) cpSync(module, join(root, 'modules', basename(module)))
    writeFileSync(join(root, 'modules', 'order'), order.map((module) => `${basename(module)}\n`).join(''))
    execFileSync('sh', ['-c', 'find . | cpio -o -H newc --quiet | gzip -1 > "$0"', file], { cwd: root })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function output(file: string, ...args: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8' })
}

/** Whether this processor can run another kernel itself. Emulated, things take ten times as long. */
function canVirtualize(): boolean {
  return /^flags.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8')) && existsSync('/dev/kvm')
}

/** What the emulation would pay for on every call or interrupt, and what nobody attacks there. */
const KERNEL_OPTIONS = 'mitigations=off tsc=reliable clocksource=tsc init_on_alloc=0 nokaslr audit=0 apparmor=0'

export interface Machine {
  /** The command's exit status; undefined when the machine ended before the command did. */
  readonly ended: Promise<number | undefined>
}

/**
 * Runs a shell command under another kernel: in a virtual machine without network, with two processors, the files of this machine, and
 * nothing of what it writes kept. What it prints goes to `output`.
 */
export function startUnder(
  kernel: Kernel,
  command: string,
  options: { readonly memoryMiB: number; readonly seconds: number; readonly output: number },
): Machine {
  removeStaleFolders(TASK_PREFIX)
  const task = mkdtempSync(join(tmpdir(), `${TASK_PREFIX}-${process.pid}-`))
  const initramfs = join(task, 'initramfs')
  makeInitramfs(kernel, initramfs)
  cpSync(fileURLToPath(new URL('guest.sh', import.meta.url)), join(task, 'guest.sh'))
  for (const [name, text] of [
    ['command', command],
    ['folder', REPOSITORY],
    ['modules', kernel.modules],
  ] as const) {
    writeFileSync(join(task, name), text)
  }
  const shared = 'security_model=none,multidevs=remap'
  const processor = canVirtualize() ? ['-accel', 'kvm'] : ['-accel', 'tcg,thread=multi']
  const args = [
    ['-machine', 'q35', ...processor, '-cpu', 'max', '-smp', '2', '-m', String(options.memoryMiB)],
    ['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-nic', 'none', '-no-reboot'],
    ['-kernel', kernel.image, '-initrd', initramfs],
    ['-append', `console=ttyS0 quiet panic=-1 ${KERNEL_OPTIONS}`],
    ['-virtfs', `local,path=/,mount_tag=host,readonly=on,${shared}`],
    ['-virtfs', `local,path=${task},mount_tag=task,${shared}`],
  ]
  // It ends with this process, however that ends.
  const machine = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args.flat()], {
    stdio: ['ignore', options.output, options.output],
  })
  const limit = setTimeout(() => machine.kill('SIGKILL'), options.seconds * 1000)
  const ended = new Promise((resolve, reject) => machine.once('close', resolve).once('error', reject))
    .then(() => {
      const status = join(task, 'status')
      return existsSync(status) ? Number(readFileSync(status, 'utf8')) : undefined
    })
    .finally(() => {
      clearTimeout(limit)
      rmSync(task, { recursive: true, force: true })
    })
  return { ended }
}
