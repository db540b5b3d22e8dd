/** Names the pin directory: a daemon adopts only maps of its own layout. Raise it when a struct or a limit changes. */
export const LAYOUT_VERSION = 22

export const MAX_SERVICES = 16_384
export const MAX_DESTS = 65_536
/** Slots of services or servers that there is memory for at a time: see ChunkedMap. */
export const CHUNK = 4096
/** Interfaces with a greater index have no XDP. */
export const MAX_LINKS = 1024

/** Connections that each of the two tables holds unless said otherwise. */
export const DEFAULT_MAX_CONNECTIONS = 262_144
