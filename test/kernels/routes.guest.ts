import { afterAll } from 'vitest'
import { Lab } from '../support/lab.ts'
import { describeRoutes } from '../support/route-cases.ts'
import { IpvsTwin, TanistTwin } from './twins.ts'

/** Routes of the director: IPVS and Tanist do the same. */
const lab = new Lab()
afterAll(() => lab.destroy())

for (const twin of [new IpvsTwin(lab), new TanistTwin(lab)]) describeRoutes(lab, twin)
