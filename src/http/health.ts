import type { Front } from '../base/front.ts'

/** Says that the process answers; what is behind it is not asked, or a slow mail server would end every Postern. */
export const health: Front = {
  name: 'health',
  quiet: true,
  matches: path => path === '/.postern/health',
  answer: async () => ({ status: 200, headers: [['content-type', 'text/plain'], ['cache-control', 'no-store']], body: Buffer.from('ok\n') }),
}
