#!/usr/bin/env node
import { launch } from './launch.ts'

launch('tanist-ipvsadm', () => import('../cli/tanist-ipvsadm.ts'))
