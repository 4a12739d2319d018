import { Failure } from '../../base/failure.ts'
import { child, children, text, type Element } from '../../wire/wbxml.ts'

/** A Status that the elements of a request have earned. */
export class Refusal extends Failure {
  readonly status: string

  constructor(value: string) {
    super('malformed', `Status ${value}`)
    this.status = value
  }
}

/** [MS-ASDTYPE] Compact DateTime. */
export const compactDate = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/

/** [MS-ASCMD] Common Status Codes. */
const badForwardees = '179'

const mostForwardees = 1000

/** To whom, and what is said along with it. */
export function readForwardees(body: Element): { readonly named: readonly { address: string; name: string }[]; readonly type: '1' | '2'; readonly said: string } {
  const list = child(body, 'ComposeMail:Forwardees')
  const named = (list ? children(list, 'ComposeMail:Forwardee') : []).map(one => ({
    address: text(one, 'ComposeMail:Email') ?? '', name: text(one, 'ComposeMail:Name') ?? '',
  }))
  const valid = named.every(({ address }) => /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(address))
  if (named.length === 0 || named.length > mostForwardees || !valid) throw new Refusal(badForwardees)
  const element = child(body, 'AirSyncBase:Body')
  const type = (element && text(element, 'AirSyncBase:Type')) ?? '1'
  if (type !== '1' && type !== '2') throw new Refusal(badForwardees)
  return { named, type, said: (element && text(element, 'AirSyncBase:Data')) ?? '' }
}
