import { ACTIONS } from './actions.ts'
import { CLAIM, formSchema } from './conditions.ts'
import { HEAD } from './head.ts'
import { MOST_STEPS } from './limits.ts'
import { objectSchema } from './kinds.ts'

/**
 * The language of drills as JSON Schema, for editors: they complete words, and show what each means. Draft 7 is what the YAML
 * language server knows best. What it takes the reader may still refuse, as claims of traffic that the drill does not have.
 */
export function drillSchema(): Readonly<Record<string, unknown>> {
  const head = objectSchema(HEAD)
  const steps = (least: number) => ({ type: 'array', minItems: least, items: { $ref: '#/definitions/step' } })
  const actions = formSchema(ACTIONS)
  const repeat = {
    description: 'Does the same steps several times. repeat: { times: 3, steps: [ … ] }',
    type: 'object',
    additionalProperties: false,
    properties: { times: { type: 'integer', minimum: 1, maximum: MOST_STEPS }, steps: steps(1) },
    required: ['times', 'steps'],
  }
  const described = (name: keyof typeof HEAD, schema: object) => ({
    [name]: { ...schema, description: HEAD[name].says },
  })
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A failure drill',
    ...head,
    properties: {
      ...(head.properties as object),
      ...described('steps', steps(1)),
      ...described('claims', { type: 'array', items: { $ref: '#/definitions/claim' } }),
    },
    anyOf: [{ required: ['steps'] }, { required: ['cannot run'] }],
    definitions: {
      step: { ...actions, properties: { ...actions.properties, repeat } },
      claim: CLAIM.schema,
    },
  }
}

/** As the file has it. */
export const drillSchemaText = (): string => `${JSON.stringify(drillSchema(), undefined, 2)}\n`
