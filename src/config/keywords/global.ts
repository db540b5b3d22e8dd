import { choice, integer, time, word } from '../arguments.ts'
import type { VrrpVersion } from '../model.ts'
import { type Body, keyword } from '../schema.ts'
import type { Millis } from '../../time.ts'

/** What `global_defs` says; the VRRP defaults hold for every instance that does not say otherwise. */
export interface GlobalDraft {
  routerId?: string
  vrrpVersion?: VrrpVersion
  garpDelay?: Millis
  garpRepeat?: number
}

export const globalDefs: Body<GlobalDraft> = {
  path: '/global_defs',
  keywords: [
    keyword({
      name: 'router_id',
      help: 'Name of this director in logs and status.',
      args: [word('<name>')],
      set: (draft, [name]) => (draft.routerId = name),
    }),
    keyword({
      name: 'vrrp_version',
      help: 'VRRP version of instances without `version`.',
      args: [choice('2', '3')],
      set: (draft, [version]) => (draft.vrrpVersion = version === '2' ? 2 : 3),
    }),
    keyword({
      name: 'vrrp_garp_master_delay',
      help: 'Default of `garp_master_delay`.',
      args: [time(0, 86400)],
      set: (draft, [delay]) => (draft.garpDelay = delay),
    }),
    keyword({
      name: 'vrrp_garp_master_repeat',
      help: 'Default of `garp_master_repeat`.',
      args: [integer(1, 100)],
      set: (draft, [repeat]) => (draft.garpRepeat = repeat),
    }),
  ],
}
