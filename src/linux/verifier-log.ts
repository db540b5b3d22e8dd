import koffi from 'koffi'

/** As much as libbpf takes for itself: a kernel before 6.4 has none of it when it does not fit. Memory only where it is written. */
const BUFFER_BYTES = 16 << 20
/** BOUNDED: what is kept of it, from its end on, where the mistake is. */
const KEPT_BYTES = 64 << 10
/** For the message of an error. */
const LAST_LINES = 12
const LINE_LENGTH = 300

/** What the kernel's verifier says of a program that it refuses. */
export class VerifierLog {
  readonly #buffer = new Uint8Array(BUFFER_BYTES)

  /**
   * `struct bpf_object_open_opts` that has it written here: size_t sz; char *object_name; bool relaxed_maps; char *pin_root_path; u32;
   * char *kconfig, *btf_custom_path, *kernel_log_buf; size_t kernel_log_size; u32 kernel_log_level. The kernel is asked for it only
   * when it has refused.
   */
  get openOptions(): Uint8Array {
    const options = new DataView(new ArrayBuffer(80))
    options.setBigUint64(0, 80n, true)
    options.setBigUint64(56, koffi.address(this.#buffer), true)
    options.setBigUint64(64, BigInt(BUFFER_BYTES), true)
    return new Uint8Array(options.buffer)
  }

  /** The end of it; empty when nothing was said. */
  get text(): string {
    const end = this.#buffer.indexOf(0)
    const whole = end === -1 ? this.#buffer : this.#buffer.subarray(0, end)
    return new TextDecoder().decode(whole.subarray(-KEPT_BYTES)).trimEnd()
  }
}

/** The last lines of it, for people. */
export function lastLines(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-LAST_LINES).map((line) => line.slice(0, LINE_LENGTH))
}
