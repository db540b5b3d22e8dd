/**
 * Whether a virtual server of this name is meant by `[10.0.0.1]:tcp:80`, `10.0.0.1:80`, `[2001:db8::1]:80`, an address alone, `FWM 10`, or
 * the name of a group, with or without what keepalived puts around it.
 */
export const isServiceNamed = (service: string, text: string): boolean =>
  service === text ||
  isEndpointNamed(/^\[(.*)\]:\w+:(\d+)$/.exec(service), text) ||
  isEndpointNamed(/^\[(.*)\]:(0)(?: \w+)?$/.exec(service), text)

/** Whether a real server of this name, `[10.0.0.1]:80`, is meant by that, `10.0.0.1:80` or an address alone. */
export const isServerNamed = (server: string, text: string): boolean =>
  isEndpointNamed(/^\[(.*)\]:(\d+)$/.exec(server), text)

function isEndpointNamed(name: RegExpExecArray | null, text: string): boolean {
  const [, address, port] = name ?? []
  return address !== undefined && [`${address}:${port}`, `[${address}]:${port}`, address].includes(text)
}
