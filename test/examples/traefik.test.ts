// The example for Traefik, which no package of Debian has: held against the other examples and against itself, not tried.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

type Router = { rule: string; service: string; entryPoints: string[]; priority: number; tls: { options: string } }
const entry = parse(readFileSync('examples/traefik/traefik.yaml', 'utf8')) as {
  entryPoints: Record<string, { transport: { respondingTimeouts: Record<string, string> } }>
}
const routes = parse(readFileSync('examples/traefik/postern.yaml', 'utf8')) as {
  http: {
    routers: Record<string, Router>
    services: Record<string, { loadBalancer: { servers: { url: string }[]; serversTransport?: string } }>
    serversTransports: Record<string, { forwardingTimeouts: Record<string, string> }>
  }
  tls: { options: Record<string, { alpnProtocols: string[] }> }
}

describe('the example for Traefik', () => {
  const { routers, services, serversTransports } = routes.http

  it('names only what it has', () => {
    for (const { service, entryPoints, tls } of Object.values(routers)) {
      expect(services).toHaveProperty(service)
      expect(entry.entryPoints).toHaveProperty(entryPoints[0]!)
      expect(routes.tls.options[tls.options]!.alpnProtocols).toEqual(['http/1.1'])
    }
    expect(serversTransports).toHaveProperty(services['postern']!.loadBalancer.serversTransport!)
  })

  it('sends the same paths to Postern as the example for Caddy, before the webmail gets them', () => {
    const path = /PathRegexp\(`(.*?)`\)/.exec(routers['postern']!.rule)![1]!
    expect(readFileSync('examples/caddy/Caddyfile', 'utf8')).toContain(`@exchange path_regexp ${path}\n`)
    expect(routers['postern']!.priority).toBeGreaterThan(routers['webmail']!.priority)
  })

  it('leaves waits and bodies more than 60 minutes', () => {
    const { readTimeout, writeTimeout } = entry.entryPoints['websecure']!.transport.respondingTimeouts
    expect([readTimeout, writeTimeout, serversTransports['postern']!.forwardingTimeouts['responseHeaderTimeout']]).toEqual(['61m', '0s', '0s'])
  })
})
