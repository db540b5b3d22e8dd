#!/usr/bin/env node
import { launchDaemon } from './launch.ts'

launchDaemon('tanistd', () => import('../cli/tanistd.ts'))
