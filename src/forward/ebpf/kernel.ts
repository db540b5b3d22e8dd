import { kernelHas, type KernelFeature } from '../../linux/libbpf.ts'

/** What the core needs of the kernel, by the release that brought it; Linux 5.15 has all of it. */
const NEEDED: readonly (KernelFeature & { readonly since: string })[] = [
  { kind: 'tc helper', name: 'bpf_redirect_neigh', number: 152, since: '5.10' },
  { kind: 'tc helper', name: 'bpf_ktime_get_coarse_ns', number: 160, since: '5.11' },
  { kind: 'tc helper', name: 'bpf_for_each_map_elem', number: 164, since: '5.13' },
  { kind: 'program type', name: 'syscall', number: 31, since: '5.14' },
]

/**
 * What this kernel lacks of that, each as a sentence. tcx, which came later, is not among it: clsact serves as well. What
 * cannot be told, for want of privileges, is not said to be lacking.
 */
export function lackingFeatures(has: (feature: KernelFeature) => boolean | undefined = kernelHas): string[] {
  return NEEDED.filter((feature) => has(feature) === false).map(
    ({ kind, name, since }) => `this kernel has no ${kind} \`${name}\`, which Linux ${since} brought`,
  )
}
