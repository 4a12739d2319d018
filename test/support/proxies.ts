import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, HOST, openFolder, service, type Service } from './house.ts'
import type { House } from './live.ts'

/** The ports of what stands behind a proxy. */
export type Sides = { readonly postern: number; readonly webmail: number }

type Place = Sides & { readonly port: number; readonly dir: string; readonly cert: string; readonly key: string }
type Recipe = {
  readonly file: string
  /** The example with addresses of this house; whatever else is in it stays. */
  readonly adapt: (text: string, place: Place) => string
  /** What the packages of Debian have around such a file. */
  readonly around?: (place: Place, file: string) => string
  readonly command: (file: string, place: Place) => readonly [command: string, ...args: string[]]
}

/** Throws where the example does not have what is replaced. */
function put(text: string, changes: readonly (readonly [what: RegExp, by: string])[]): string {
  return changes.reduce((so, [what, by]) => {
    const all = new RegExp(what, 'gm'), changed = so.replaceAll(all, by)
    if (changed === so) throw new Error(`the example has no ${String(what)}`)
    return changed
  }, text)
}

const modules = [
  'mpm_event', 'authz_core', 'ssl', 'socache_shmcb', 'proxy', 'proxy_http', 'headers', 'env', 'reqtimeout',
].map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`).join('')

/** The examples for proxies that are programs of Debian. */
export const recipes = {
  nginx: {
    file: 'examples/nginx/postern.conf',
    adapt: (text, { port, cert, key, postern, webmail }) => put(text, [
      [/listen 443 ssl/, `listen ${HOST}:${port} ssl`], [/127\.0\.0\.1:8080/, `${HOST}:${postern}`], [/127\.0\.0\.1:8081/, `${HOST}:${webmail}`],
      [/\/etc\/ssl\S*fullchain\.pem/, cert], [/\/etc\/ssl\S*privkey\.pem/, key],
    ]),
    around: ({ dir }, file) => `worker_processes 1;\npid ${dir}/nginx-own.pid;\nerror_log stderr;\nevents { worker_connections 256; }\nhttp {\n  access_log off;\n` +
      ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `  ${name}_temp_path ${dir}/${name};\n`).join('') + `  include ${file};\n}\n`,
    command: file => ['nginx', '-e', 'stderr', '-c', file, '-g', 'daemon off;'],
  },
  Caddy: {
    file: 'examples/caddy/Caddyfile',
    adapt: (text, { port, cert, key, postern, webmail }) => put(text, [
      // Certificates of its own are from the network.
      [/^\{\n/, '{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n'],
      [/^mail\.example\.org, autodiscover\.example\.org \{/, `:${port} {\n\tbind ${HOST}\n\ttls ${cert} ${key}`],
      [/127\.0\.0\.1:8080/, `${HOST}:${postern}`], [/127\.0\.0\.1:8081/, `${HOST}:${webmail}`],
    ]),
    command: file => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
  },
  Apache: {
    file: 'examples/apache/postern.conf',
    adapt: (text, { port, cert, key, postern, webmail }) => put(text, [
      [/\*:443/, `${HOST}:${port}`], [/127\.0\.0\.1:8080/, `${HOST}:${postern}`], [/127\.0\.0\.1:8081/, `${HOST}:${webmail}`],
      [/\/etc\/ssl\S*fullchain\.pem/, cert], [/\/etc\/ssl\S*privkey\.pem/, key],
    ]),
    around: ({ dir, port }, file) => `${modules}ServerName localhost\nListen ${HOST}:${port}\nPidFile ${dir}/apache-own.pid\nDefaultRuntimeDir ${dir}\nErrorLog /dev/stderr\n` +
      `Mutex file:${dir} default\nStartServers 1\nThreadsPerChild 16\nMaxRequestWorkers 16\nMinSpareThreads 4\nMaxSpareThreads 16\nUser nobody\nGroup nogroup\nInclude ${file}\n`,
    command: file => ['apache2', '-D', 'FOREGROUND', '-f', file],
  },
  HAProxy: {
    file: 'examples/haproxy/haproxy.cfg',
    adapt: (text, { port, cert, key, dir, postern, webmail }) => {
      const pem = join(dir, 'haproxy.pem')
      writeFileSync(pem, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'))
      return put(text, [
        [/^( *maxconn )\d+$/, '$11000'], [/bind :443 ssl crt \S+/, `bind ${HOST}:${port} ssl crt ${pem}`],
        [/127\.0\.0\.1:8081 port 9081/, `${HOST}:${postern}`], [/127\.0\.0\.1:8090/, `${HOST}:${webmail}`],
        // This Postern is one, and has no internal listener here.
        [/^ *server postern[23].*$/, ''], [/^ *(option httpchk|http-check).*$/, ''],
      ])
    },
    command: file => ['haproxy', '-db', '-f', file],
  },
} satisfies Record<string, Recipe>

export type ProxyName = keyof typeof recipes
export const proxyNames = Object.keys(recipes) as ProxyName[]

/** A proxy by its example, with TLS on a free port. `change` makes another one of it. */
export async function startProxy(house: Pick<House, 'dir'>, name: ProxyName, sides: Sides, change: (text: string) => string = text => text): Promise<Service & { readonly url: string }> {
  const { file, adapt, command, ...recipe }: Recipe = recipes[name]
  const [port = 0] = await freePorts(1)
  const dir = openFolder({ dir: house.dir, close: async () => {} }, `${name}-${port}`)
  const place: Place = { ...sides, port, dir, cert: join(house.dir, 'cert.pem'), key: join(house.dir, 'key.pem') }
  const own = join(dir, 'example.conf')
  writeFileSync(own, change(adapt(readFileSync(file, 'utf8'), place)))
  let main = own
  if (recipe.around) {
    main = join(dir, 'main.conf')
    writeFileSync(main, recipe.around(place, own))
  }
  const home = join(dir, 'home')
  mkdirSync(home)
  const [program, ...args] = command(main, place)
  // Right in the folder of the house, which ends with all that has its process id there.
  const self = service({ dir: house.dir, close: async () => {} }, {
    name: `${name}-${port}`, command: program, args, port, env: { HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home },
  })
  await self.start()
  return { ...self, url: `https://${HOST}:${port}` }
}
