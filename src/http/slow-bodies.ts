import type { IncomingMessage } from 'node:http'

export type BodyPace = {
  /** A body that has not brought `octets` within `seconds` is given up, unless it is us who do not read on. */
  readonly seconds: number
  readonly octets: number
}

export type BodyWatch = { add(message: IncomingMessage): void; delete(message: IncomingMessage): void; close(): void }

/** Watches the bodies that are still coming in, all with one timer, and hands those that hardly move to `giveUp`. */
export function watchBodies({ seconds, octets }: BodyPace, giveUp: (message: IncomingMessage) => void): BodyWatch {
  /** Octets its socket had brought when last looked at; undefined when the look said nothing about the sender. */
  const bodies = new Map<IncomingMessage, number | undefined>()

  const look = () => {
    for (const [message, before] of bodies) {
      const now = message.socket.bytesRead
      const ourTurn = message.readableLength >= message.readableHighWaterMark
      if (message.complete || message.destroyed) bodies.delete(message)
      else if (ourTurn) bodies.set(message, undefined)
      else if (before === undefined || now - before >= octets) bodies.set(message, now)
      else {
        bodies.delete(message)
        giveUp(message)
      }
    }
  }

  const timer = setInterval(look, seconds * 1000).unref()
  return {
    add: message => void bodies.set(message, undefined),
    delete: message => void bodies.delete(message),
    close: () => clearInterval(timer),
  }
}
