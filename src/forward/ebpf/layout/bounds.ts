/** Names the pin directory: a daemon adopts only maps of its own layout. Raise it when a struct or a limit changes. */
export const LAYOUT_VERSION = 15

export const MAX_SERVICES = 1024
export const MAX_DESTS = 4096
/** Interfaces with a greater index have no XDP. */
export const MAX_LINKS = 1024

/** Connections that each of the two tables holds unless said otherwise. */
export const DEFAULT_MAX_CONNECTIONS = 262_144
