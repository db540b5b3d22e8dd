import type { DirectorWord } from '../../drill/language/words.ts'
import { millis } from '../../time.ts'
import type { Place } from '../place.ts'
import type { Daemon } from '../daemons/daemon.ts'
import type { SiteDirector } from '../site.ts'
import { ran, type Stage } from '../stage.ts'
import type { Performs } from './perform.ts'

const RUN_LIMIT = millis(60_000)

const readFile = ({ place, file }: SiteDirector): Promise<string> => ran(place, ['cat', file])

/** Beside the file, so that it can be put back whatever happens. */
export const savedFile = (file: string): string => `${file}.before-drill`

const fileKey = ({ name }: SiteDirector) => `file ${name}`

const refusal = (errors: readonly string[] | undefined): string | undefined => errors?.join('; ') || undefined

/** Linux takes 128 KiB for one argument of a command; a character has up to four bytes. */
const PIECE = /[\s\S]{1,30000}/gu

/** Makes a new file, for root alone: it has the passwords of the operator's. */
async function writePieces(place: Place, path: string, text: string): Promise<void> {
  await ran(place, ['sh', '-c', 'umask 077; : >"$1"', 'sh', path])
  for (const piece of text.match(PIECE) ?? [])
    await ran(place, ['sh', '-c', 'printf %s "$2" >>"$1"', 'sh', path, piece])
}

/** The undo gives the file back that was there when the drill began, and has it read. */
async function withOther(
  stage: Stage,
  word: DirectorWord | 'both',
  make: (director: SiteDirector) => Promise<string | undefined>,
): Promise<void> {
  for (const director of stage.directorsOf(word)) {
    const { place, file, name } = director
    const text = await make(director)
    const saved = savedFile(file)
    const fresh = `${file}.of-drill`
    if (text !== undefined) await writePieces(place, fresh, text)
    const write = text === undefined ? 'rm "$1"' : 'cat "$3" >"$1" && rm "$3"'
    // The first saved one is the one to go back to.
    const act = ['sh', '-c', `[ -e "$2" ] || cp -p "$1" "$2"; ${write}`, 'sh', file, saved, fresh]
    const undo = ['sh', '-c', '[ ! -e "$2" ] || mv "$2" "$1"', 'sh', file, saved]
    // Undone the last first: the file, then its reload.
    const daemon = stage.daemons[name]
    const reload = async () => ((await daemon.isRunning()) ? refusal(await daemon.reload()) : undefined)
    await stage.leaveAt(place, daemon.undoCommands?.reload, { text: `reload ${name}`, run: reload })
    stage.keep(fileKey(director), await stage.act(place, { text: `another file for ${name}`, act, undo }))
  }
}

/** So many at a time: a daemon hears no more callers than some dozens, and drops the one that waits longest. */
const AT_A_TIME = 16

/** One after the other as soon as there is room, without a pause. What the last one says. */
async function reloadOften(daemon: Daemon, times: number): Promise<readonly string[] | undefined> {
  let left = times
  let last: readonly string[] | undefined
  const goOn = async () => {
    while (left-- > 0) last = await daemon.reload()
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, goOn))
  return last
}

export const OPERATION_STEPS: Performs<
  | 'change file'
  | 'write file'
  | 'remove file'
  | 'restore file'
  | 'reload'
  | 'hand over'
  | 'take back'
  | 'maintain'
  | 'upgrade'
> = {
  'change file': (stage, { of, replace, by }) =>
    withOther(stage, of, async (director) => {
      const text = await readFile(director)
      const all = new RegExp(replace.source, `${replace.flags.replace('g', '')}g`)
      if (!all.test(text)) throw new Error(`the file of ${director.name} has nothing that matches ${replace.source}`)
      return text.replace(all, by)
    }),
  'write file': (stage, { of, text }) => withOther(stage, of, () => Promise.resolve(text)),
  'remove file': (stage, { of }) => withOther(stage, of, () => Promise.resolve(undefined)),
  async 'restore file'(stage, { of }) {
    for (const director of stage.directorsOf(of)) await stage.takeBack(fileKey(director))
  },
  async reload(stage, { of, expect, times }) {
    await Promise.all(
      stage.namesOf(of).map(async (name) => {
        const daemon = stage.daemons[name]
        const errors = await reloadOften(daemon, times)
        if (errors === undefined || expect === 'either') return
        if (expect === 'taken' && errors.length > 0) throw new Error(`${name} refuses its file: ${errors.join('; ')}`)
        if (expect === 'refused' && errors.length === 0) throw new Error(`${name} takes its file`)
      }),
    )
  },
  async 'hand over'(stage, { of }) {
    const name = stage.nameOf(of)
    const daemon = stage.daemons[name]
    const run = async () => {
      if (await daemon.isRunning()) await daemon.takeBack()
      return undefined
    }
    const { place } = stage.site.directors[name]
    const text = `take the roles of ${name} back`
    stage.keep(`duty ${name}`, await stage.leaveAt(place, daemon.undoCommands?.takeBack, { text, run }))
    await daemon.handOver()
  },
  upgrade: (stage, { of }) => stage.daemons[stage.nameOf(of)].upgrade(),
  'take back': (stage, { of }) => stage.takeBack(`duty ${stage.nameOf(of)}`),
  async maintain(stage, { of, on }) {
    const name = stage.nameOf(of)
    if (!on) return stage.takeBack(`maintenance ${name}`)
    const daemon = stage.daemons[name]
    const run = () => daemon.maintain(false).then(() => undefined)
    const { place } = stage.site.directors[name]
    const text = `end the maintenance of ${name}`
    stage.keep(`maintenance ${name}`, await stage.leaveAt(place, daemon.undoCommands?.endMaintenance, { text, run }))
    await daemon.maintain(true)
  },
}

export const RUN_STEP: Performs<'run'> = {
  async run(stage, { on, command, undo }) {
    const place = await stage.placeOf(on)
    if (undo !== undefined) {
      await stage.act(place, { text: command, act: ['sh', '-c', command], undo: ['sh', '-c', undo] })
      return
    }
    const { status, stderr, stdout } = await place.change(['sh', '-c', command], RUN_LIMIT)
    if (status !== 0) throw new Error(`${command}: ${(stderr || stdout).trim() || `exit status ${status}`}`)
  },
}
