import type { BodyPreference } from '../../state/sync-options.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'
import { bodyNodes, planBody, renderBody, type Body, type BodyPlan, type Shape } from './body.ts'

/** [MS-ASAIRS] Status (BodyPart). */
const success = '1', tooLarge = '176'

export type BodyPartPlan = BodyPlan
export type BodyPart = { readonly status: string; readonly body: Body }

/** [MS-ASAIRS] BodyPartPreference: HTML, the only type a BodyPart comes in. Undefined where no part is wished for. */
export function planBodyPart(
  message: Shape, wish: BodyPreference | undefined, version: Version,
): BodyPartPlan | undefined {
  if (!wish || !since(version, '14.1')) return undefined
  return planBody(message, { bodies: [{ ...wish, type: 2 }], mimeSupport: 0, mimeTruncation: 8 }, version)
}

/** As `renderBody` does it. What AllOrNone withholds is too large for a part. */
export function renderBodyPart(
  plan: BodyPartPlan, parts: readonly (Uint8Array | undefined)[],
): BodyPart | { readonly more: BodyPartPlan } {
  const rendered = renderBody(plan, parts)
  if ('more' in rendered) return rendered
  const { body } = rendered
  const withheld = body.truncated && body.data === undefined && plan.choices[0]?.allOrNone === true
  return { status: withheld ? tooLarge : success, body }
}

/** The children of [MS-ASAIRS] BodyPart. */
export const bodyPartNodes = ({ status, body }: BodyPart): Node[] => [el('AirSyncBase:Status', status), ...bodyNodes(body)]
