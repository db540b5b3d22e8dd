import type { Command } from '../../model/command.ts'
import type { Script } from '../schema/script.ts'

export const commandOf = ({ command: argv, user, group }: Script): Command => ({ argv, user, group })
