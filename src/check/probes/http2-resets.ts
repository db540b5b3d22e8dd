import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ClientHttp2Stream } from 'node:http2'

/** The streams of HTTP/2 that whoever runs within it has opened. */
const opened = new AsyncLocalStorage<ClientHttp2Stream[]>()
subscribe('http2.client.stream.created', (message) => {
  // As Node's documentation of the channel has it.
  opened.getStore()?.push((message as { readonly stream: ClientHttp2Stream }).stream)
})

/**
 * Runs what asks by undici, to which an answer that the server cancels (RFC 9113 §7, CANCEL, as proxies do whose server is gone) is a whole one.
 * `isCut` waits for the end of the last stream, whose body has been read, and tells whether it was a reset. BOUNDED: streams, by the redirects
 * that are followed.
 */
export async function seeingResets<T>(
  ask: (isCut: (signal: AbortSignal) => Promise<boolean>) => Promise<T>,
): Promise<T> {
  const streams: ClientHttp2Stream[] = []
  return await opened.run(streams, ask, async (signal) => {
    const stream = streams.at(-1)
    if (stream === undefined) return false
    if (!stream.closed) await once(stream, 'close', { signal })
    return stream.rstCode !== 0
  })
}
