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

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = join(REPOSITORY, 'node_modules', '.cache', 'kernels')

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

/**
 * Runs a shell command under another kernel: in a virtual machine without network, with two emulated processors (no KVM is
 * needed; things take about ten times as long), the files of this machine, and nothing of what it writes kept. What it prints
 * goes to standard output. The command's exit status; undefined when the machine ended before the command did.
 */
export async function runUnder(
  kernel: Kernel,
  command: string,
  limits: { readonly memoryMiB: number; readonly seconds: number },
): Promise<number | undefined> {
  const task = mkdtempSync(join(tmpdir(), 'tanist-task-'))
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
  try {
    const shared = 'security_model=none,multidevs=remap'
    const machine = spawn(
      'qemu-system-x86_64',
      [
        '-machine',
        'q35',
        '-accel',
        'tcg,thread=multi',
        '-cpu',
        'max',
        '-smp',
        '2',
        '-m',
        String(limits.memoryMiB),
        '-display',
        'none',
        '-serial',
        'stdio',
        '-monitor',
        'none',
        '-nic',
        'none',
        '-no-reboot',
        '-kernel',
        kernel.image,
        '-initrd',
        initramfs,
        '-append',
        'console=ttyS0 quiet panic=-1',
        '-virtfs',
        `local,path=/,mount_tag=host,readonly=on,${shared}`,
        '-virtfs',
        `local,path=${task},mount_tag=task,${shared}`,
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    )
    const limit = setTimeout(() => machine.kill('SIGKILL'), limits.seconds * 1000)
    await new Promise((resolve, reject) => machine.once('close', resolve).once('error', reject))
    clearTimeout(limit)
    const status = join(task, 'status')
    return existsSync(status) ? Number(readFileSync(status, 'utf8')) : undefined
  } finally {
    rmSync(task, { recursive: true, force: true })
  }
}
