import { TcpProxy } from './tcp-proxy.ts'

/** What happened on the line to an IMAP server. */
export type Said = {
  readonly connections: number
  /** Round trips, as long as the line has a delay; that of the TCP connection is not among them. */
  readonly trips: number
  /** In the order they were sent, without tag; of sensitive ones the verb alone. */
  readonly commands: readonly string[]
  /** Octets of the server. */
  readonly octets: number
}

export type Tap = {
  readonly line: TcpProxy
  /** Octets of the server, and commands to it, since the last time. */
  readonly octets: number
  readonly commands: readonly string[]
  /** What was said since the last time. */
  take(): Said
  close(): Promise<void>
}

/** A line to an IMAP server that is slow enough to tell round trips, and listened to. */
export async function startTap(server: { readonly host: string; readonly port: number }, milliseconds = 5): Promise<Tap> {
  const line = await TcpProxy.start(server, { delayUp: milliseconds, delayDown: milliseconds })
  let commands: string[] = []
  line.link.passed = (_, way, chunk) => {
    if (way === 'down' || !chunk) return
    for (const [, command = ''] of chunk.toString('latin1').matchAll(/^p?\d+ ([A-Z].*)\r$/gm)) {
      commands.push(command.startsWith('AUTHENTICATE') ? 'AUTHENTICATE' : command)
    }
  }
  return {
    line,
    get octets() { return line.counts.bytesDown },
    get commands() { return commands },
    take() {
      const { connections, turns: trips, bytesDown: octets } = line.take(), said = { connections, trips, commands, octets }
      commands = []
      return said
    },
    close: () => line.close(),
  }
}
