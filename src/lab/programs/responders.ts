/** Plays all real servers of a lab, each on its own machine: a process for each of them takes longer to start than all else. */
import { inNetwork } from '../../linux/network-namespace.ts'
import { work } from '../program.ts'
import { Responder } from '../responder.ts'
import type { RespondersQuestion } from '../responder-contract.ts'

/** By their titles. BOUNDED by the machines of a lab. */
const responders = new Map<string, Responder>()
work(async (asked) => {
  const question = asked as RespondersQuestion
  if ('play' in question) {
    const responder = new Responder(question.play, (open) => inNetwork(question.network, open))
    responders.set(question.play.title, responder)
    await responder.listen()
    return
  }
  const responder = responders.get(question.title)
  if (responder === undefined) throw new Error(`there is no ${question.title}`)
  await responder.break(question.how)
})
