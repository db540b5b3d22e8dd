#!/usr/bin/env node
import { launch } from './launch.ts'

launch('tanist', () => import('../cli/tanist.ts'))
