import { Failure } from '../base/failure.ts'
import type { Front, FrontRequest, Visit } from '../base/front.ts'
import { answerAutoconfig } from './autoconfig.ts'
import type { Ask, AutodiscoverParts } from './house.ts'
import { answerJson } from './json.ts'
import { answerMobileconfig } from './mobileconfig.ts'
import { answerPox } from './pox.ts'
import { answerSoap } from './soap.ts'

type Form = 'pox' | 'soap' | 'json' | 'autoconfig' | 'mobileconfig'

/** What each form answers at, in lower case. */
const forms: readonly (readonly [Form, RegExp, (ask: Ask) => Promise<Response> | Response])[] = [
  ['pox', /^\/autodiscover\/autodiscover\.xml$/, answerPox],
  ['soap', /^\/autodiscover\/autodiscover\.svc$/, answerSoap],
  ['json', /^\/autodiscover\/autodiscover\.json(\/v1\.0\/[^/]+)?$/, answerJson],
  // Nine puts /v1.1 before it (2022).
  ['autoconfig', /^(\/v1\.1|\/\.well-known\/autoconfig)?\/mail\/config-v1\.1\.xml$/, answerAutoconfig],
  ['mobileconfig', /^\/email\.mobileconfig$/, answerMobileconfig],
]

/** [MS-OXDSCLI], [MS-ASCMD] Autodiscover and its kin: where an account's servers are, told to who knows an address. */
export function autodiscoverFront(house: AutodiscoverParts): Front {
  const { settings, now = () => new Date() } = house
  const served = forms.filter(([form]) => form === 'autoconfig' || form === 'mobileconfig' ? settings[form] : true)
  return {
    name: 'autodiscover',
    matches: path => served.some(([, pattern]) => pattern.test(path)),
    answer: async (request, visit) => {
      // A URL knows no /../ and may be another one than its path seemed to be.
      const found = served.find(([, pattern]) => pattern.test(request.url.pathname.toLowerCase()))
      if (!found) throw new Failure('not-found', 'another path')
      const [form, , answer] = found
      note(visit, request, form)
      return answer({ house, request, visit, now: now() })
    },
  }
}

function note({ facts }: Visit, { headers }: FrontRequest, form: Form): void {
  facts['command'] = 'Autodiscover'
  facts['form'] = form
  facts['agent'] = headers.get('user-agent')?.slice(0, 128)
  // [MS-OXDSCLI] X-MapiHttpCapability: who would speak MAPI over HTTP.
  facts['mapi'] = headers.get('x-mapihttpcapability')?.slice(0, 8)
}
