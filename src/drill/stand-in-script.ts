/** What a stand-in does when it is called; nothing of it: it ends with status 0. */
export interface StandInBehaviour {
  readonly status: number
  /** It never ends, whatever signal comes but SIGKILL. */
  readonly hangs: boolean
  /** MiB on its standard output first. */
  readonly prints: number
  /** Processes that it leaves behind, which end by themselves after ten minutes. */
  readonly forks: number
}

/** The text of the file that tells a stand-in what to do. It is to be put there by a rename: it is read whenever the command is called. */
export const behaviourText = ({ status, hangs, prints, forks }: StandInBehaviour): string =>
  `status=${status}\nhangs=${hangs ? 'yes' : 'no'}\nprints=${prints}\nforks=${forks}\n`

/** Where a stand-in with this behaviour writes the processes that it leaves behind, a line each. */
export const leftPath = (behaviour: string): string => `${behaviour}.left`

/**
 * A script for sh that stands for a command. Each call is a line of JSON in `calls`: `command`, its further arguments, and when, in ms
 * since the epoch. `reads`: the last argument is a named pipe, and is read until nobody writes it any more.
 */
export function standInScript(what: {
  readonly command: string
  readonly calls: string
  readonly behaviour: string
  readonly reads: boolean
}): string {
  return `#!/bin/sh
escaped() {
    case $1 in
    *[\\\\\\"[:cntrl:]]*) printf '%s' "$1" | tr '[:cntrl:]' ' ' | sed 's/[\\\\"]/\\\\&/g' ;;
    *) printf '%s' "$1" ;;
    esac
}
list=
for argument; do
    list="$list\${list:+,}\\"$(escaped "$argument")\\""
done
printf '{"command":%s,"arguments":[%s],"at":%s}\\n' ${quoted(JSON.stringify(what.command))} "$list" "$(date +%s%3N)" >>${quoted(what.calls)}
status=0 hangs=no prints=0 forks=0
if [ -r ${quoted(what.behaviour)} ]; then . ${quoted(what.behaviour)}; fi
if [ "$prints" -gt 0 ]; then head -c "$((prints * 1048576))" /dev/zero | tr '\\0' x; fi
while [ "$forks" -gt 0 ]; do
    sleep 600 &
    echo "$!" >>${quoted(leftPath(what.behaviour))}
    forks=$((forks - 1))
done
if [ "$hangs" = yes ]; then
    trap '' HUP INT QUIT TERM
    exec sleep 1000000
fi
${what.reads ? '[ "$status" != 0 ] || exec cat "$argument" >/dev/null\n' : ''}exit "$status"
`
}

/** A word of sh. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
