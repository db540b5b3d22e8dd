import { afterAll } from 'vitest'
import { TanistTwin } from '../kernels/twins.ts'
import { Lab } from '../support/lab.ts'
import { describeRoutes } from '../support/route-cases.ts'

/** Under this machine's kernel; test/kernels has the same beside IPVS. */
const lab = new Lab()
afterAll(() => lab.destroy())

describeRoutes(lab, new TanistTwin(lab))
