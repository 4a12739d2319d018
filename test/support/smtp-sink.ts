import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** An SMTP server that takes everything and delivers nothing: RFC 5321 as far as a client needs it. */
export type SmtpSink = {
  readonly host: string
  readonly port: number
  /** What came through, octet for octet, as Latin 1 characters. */
  readonly messages: string[]
  stop(): Promise<void>
}

export async function startSmtpSink(): Promise<SmtpSink> {
  const messages: string[] = []
  const server = createServer(socket => {
    let input = ''
    let data = false
    const say = (line: string): void => void socket.write(`${line}\r\n`)
    socket.setEncoding('latin1').on('error', () => {}).on('data', chunk => {
      input += String(chunk)
      for (;;) {
        const end = input.indexOf(data ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const taken = input.slice(0, data ? end + 2 : end)
        input = input.slice(end + (data ? 5 : 2))
        if (data) messages.push(taken.replace(/^\.\./gm, '.'))
        const verb = data ? 'END' : taken.slice(0, 4).toUpperCase()
        data = verb === 'DATA'
        say(verb === 'DATA' ? '354 go on' : verb === 'EHLO' ? '250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN' : verb === 'AUTH' ? '235 fine' : '250 fine')
        if (verb === 'QUIT') socket.end()
      }
    })
    say('220 sink')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1', port: (server.address() as AddressInfo).port, messages,
    async stop() {
      server.close()
      await once(server, 'close')
    },
  }
}
