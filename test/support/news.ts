import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../../examples/dovecot/postern-news.lua', import.meta.url))

/** Dovecot's lines that have the script of examples/dovecot tell these addresses of deliveries. */
export const newsTo = (urls: string): string => `
plugin {
  push_notification_driver = lua:file=${script}
  postern_news = ${urls}
}
protocol lmtp {
  mail_plugins = quota mail_lua notify push_notification push_notification_lua
}
`
