import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../../examples/dovecot/postern-news.lua', import.meta.url))

/** The script where Dovecot's users may read it: below root's home, nobody else may. */
function readable(): string {
  const dir = mkdtempSync(join(tmpdir(), 'postern-script-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  chmodSync(dir, 0o755)
  copyFileSync(script, join(dir, 'postern-news.lua'))
  chmodSync(join(dir, 'postern-news.lua'), 0o644)
  return join(dir, 'postern-news.lua')
}

/** Dovecot's lines that have the script of examples/dovecot tell these addresses of deliveries. */
export const newsTo = (urls: string): string => `
plugin {
  push_notification_driver = lua:file=${readable()}
  postern_news = ${urls}
}
protocol lmtp {
  mail_plugins = quota mail_lua notify push_notification push_notification_lua
}
`
