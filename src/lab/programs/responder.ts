/** Plays one real server: answers checks and clients, and is told how to be broken. Its argument is a `ResponderTask`. */
import { work } from '../program.ts'
import { Responder } from '../responder.ts'
import type { ResponderQuestion, ResponderTask } from '../responder-contract.ts'

const responder = new Responder(JSON.parse(process.argv[2] ?? '{}') as ResponderTask)
await responder.listen()
work((question) => responder.break((question as ResponderQuestion).how))
