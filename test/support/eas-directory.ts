import { child, children, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { descend, type Phone } from './eas-client.ts'

export type GalWish = { readonly query: string; readonly range?: string; readonly picture?: { readonly size?: number | string; readonly count?: number | string } }

const pictureNode = (space: 'Search' | 'Find' | 'ResolveRecipients', { picture }: Pick<GalWish, 'picture'>): Node[] => picture ? [el(`${space}:Picture`, [
  ...(picture.size === undefined ? [] : [el(`${space}:MaxSize`, String(picture.size))]),
  ...(picture.count === undefined ? [] : [el(`${space}:MaxPictures`, String(picture.count))]),
])] : []

const options = (space: 'Search' | 'Find', wish: GalWish): Node[] => {
  const all = [...(wish.range ? [el(`${space}:Range`, wish.range)] : []), ...pictureNode(space, wish)]
  return all.length > 0 ? [el(`${space}:Options`, all)] : []
}

export const galNode = (wish: GalWish): Node => el('Search:Search', [el('Search:Store', [
  el('Search:Name', 'GAL'), el('Search:Query', wish.query), ...options('Search', wish),
])])

export const findGalNode = (wish: GalWish): Node => el('Find:Find', [el('Find:SearchId', 'gal-1'), el('Find:ExecuteSearch', [
  el('Find:GalSearchCriterion', [el('Find:Query', wish.query), ...options('Find', wish)]),
])])

/** What a phone's address list shows: the properties by name, a photo as its status and length. */
export type GalHit = Readonly<Record<string, string>>
export type GalAnswer = { readonly status: string; readonly store: string; readonly range: string | undefined; readonly total: string | undefined; readonly hits: readonly GalHit[] }

const hitOf = (properties: Element): GalHit => Object.fromEntries(properties.children.map(one => {
  const picture = one.tag === 'Gal:Picture'
  const data = picture ? child(one, 'Gal:Data')?.opaque : undefined
  return [one.tag.replace('Gal:', ''), picture ? [text(one, 'Gal:Status'), ...(data ? [data.length] : [])].join(' ') : one.text]
}))

export async function searchGal(phone: Phone, wish: GalWish): Promise<GalAnswer> {
  const answer = (await phone.command('Search', galNode(wish)))!
  const store = descend(answer, 'Search:Response', 'Search:Store')
  const hits = children(store, 'Search:Result').flatMap(one => child(one, 'Search:Properties') ?? []).map(hitOf)
  return {
    status: text(answer, 'Search:Status') ?? '', store: text(store, 'Search:Status') ?? '', range: text(store, 'Search:Range'), total: text(store, 'Search:Total'), hits,
  }
}

export async function findGal(phone: Phone, wish: GalWish): Promise<GalAnswer> {
  const answer = (await phone.command('Find', findGalNode(wish)))!
  const response = child(answer, 'Find:Response')
  const of = (tag: 'Find:Status' | 'Find:Range' | 'Find:Total'): string | undefined => response && text(response, tag)
  return {
    status: text(answer, 'Find:Status') ?? '', store: of('Find:Status') ?? '', range: of('Find:Range'), total: of('Find:Total'),
    hits: response ? children(response, 'Find:Result').map(one => hitOf(child(one, 'Find:Properties')!)) : [],
  }
}

export type ResolveWish = {
  readonly to: readonly string[]
  readonly certificates?: number | string
  readonly mostCertificates?: number | string
  readonly mostAmbiguous?: number | string
  readonly availability?: { readonly start?: string; readonly end?: string }
  readonly picture?: GalWish['picture']
}

export function resolveNode({ to, certificates, mostCertificates, mostAmbiguous, availability, picture }: ResolveWish): Node {
  const optional = (tag: 'CertificateRetrieval' | 'MaxCertificates' | 'MaxAmbiguousRecipients' | 'StartTime' | 'EndTime', value: number | string | undefined): Node[] =>
    value === undefined ? [] : [el(`ResolveRecipients:${tag}`, String(value))]
  return el('ResolveRecipients:ResolveRecipients', [
    ...to.map(one => el('ResolveRecipients:To', one)),
    el('ResolveRecipients:Options', [
      ...optional('CertificateRetrieval', certificates), ...optional('MaxCertificates', mostCertificates), ...optional('MaxAmbiguousRecipients', mostAmbiguous),
      ...(availability ? [el('ResolveRecipients:Availability', [...optional('StartTime', availability.start), ...optional('EndTime', availability.end)])] : []),
      ...(picture ? pictureNode('ResolveRecipients', { picture }) : []),
    ]),
  ])
}

export type Recipient = {
  readonly type: string; readonly name: string; readonly address: string
  /** Status, and the digits where there are some. */
  readonly availability: string | undefined
  /** Status, CertificateCount, RecipientCount, then each certificate in base64. */
  readonly certificates: readonly string[] | undefined
  readonly picture: string | undefined
}
export type Resolved = { readonly to: string; readonly status: string; readonly count: string; readonly recipients: readonly Recipient[] }

export async function resolve(phone: Phone, wish: ResolveWish): Promise<{ status: string; responses: readonly Resolved[] }> {
  const answer = (await phone.command('ResolveRecipients', resolveNode(wish)))!
  const said = (element: Element, name: 'To' | 'Status' | 'RecipientCount' | 'Type' | 'DisplayName' | 'EmailAddress'): string =>
    text(element, `ResolveRecipients:${name}`) ?? ''
  return {
    status: said(answer, 'Status'),
    responses: children(answer, 'ResolveRecipients:Response').map(one => ({
      to: said(one, 'To'), status: said(one, 'Status'), count: said(one, 'RecipientCount'),
      recipients: children(one, 'ResolveRecipients:Recipient').map(recipient => {
        const picture = child(recipient, 'ResolveRecipients:Picture'), availability = child(recipient, 'ResolveRecipients:Availability')
        const data = picture && child(picture, 'ResolveRecipients:Data')?.opaque
        return {
          type: said(recipient, 'Type'), name: said(recipient, 'DisplayName'), address: said(recipient, 'EmailAddress'),
          availability: availability && [said(availability, 'Status'), text(availability, 'ResolveRecipients:MergedFreeBusy') ?? []].flat().join(' '),
          certificates: child(recipient, 'ResolveRecipients:Certificates')?.children.map(({ text: value }) => value),
          picture: picture && [said(picture, 'Status'), ...(data ? [data.length] : [])].join(' '),
        }
      }),
    })),
  }
}
