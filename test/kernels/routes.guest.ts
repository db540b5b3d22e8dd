import { afterAll } from 'vitest'
import { Lab } from '../support/lab.ts'
import { describeRoutes } from '../support/route-cases.ts'
import { IpvsTwin, TanistTwin } from './twins.ts'

/** Routes of the director: IPVS and Tanist do the same. Tanist's half is of test/netns, too, and here only when all is asked for. */
const lab = new Lab()
afterAll(() => lab.destroy())

describeRoutes(lab, new IpvsTwin(lab))
if (process.env['THOROUGH'] !== undefined) describeRoutes(lab, new TanistTwin(lab))
