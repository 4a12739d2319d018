#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { buffer } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { check as tryBackends } from './backend/check.ts'
import { checkDns } from './backend/check-dns.ts'
import { bad, good, type Finding } from './backend/check-finding.ts'
import { Failure } from './base/failure.ts'
import { listDevices, orderForDevice, topOfDevices, type DeviceOptions } from './cli-devices.ts'
import { loadConfig, type Config } from './config.ts'
import { loginName } from './http/auth.ts'
import { stackOf } from './http/exchange.ts'
import { readPassword } from './password.ts'
import { serve as servePhones } from './serve.ts'
import { redisTrouble } from './state/redis-line.ts'
import { decode } from './wire/wbxml.ts'
import { printXml } from './wire/xml.ts'

const help = `Postern gives a mail host Exchange ActiveSync.

  postern serve  [--config FILE] [--workers N] answer phones; SIGHUP reads FILE again, SIGTERM ends
  postern check  [--config FILE] --user NAME   try each server behind Postern with a user's credentials
  postern check  [--config FILE] --dns DOMAIN  look at what leads clients of a mail domain here
  postern decode [FILE]                        print WBXML, or its hexadecimal digits, as XML

  postern devices [--user NAME]                the devices that are known
  postern top     [--user NAME] [--once]       those seen last, anew every two seconds
  postern block   USER DEVICE                  nothing more for it
  postern allow   USER DEVICE                  let it in, out of quarantine and after a wipe too
  postern wipe    USER DEVICE [--account-only] have it delete everything, or this account (16.1)
  postern cancel  USER DEVICE                  take a wipe back that it was not told of
  postern resync  USER DEVICE COLLECTION       have it begin a collection anew
  postern trace   USER DEVICE [--minutes N]    trace it for N minutes (0 ends it); what was traced

  postern --help | --version

FILE (--config) is postern.yaml, or what POSTERN_CONFIG names; see examples/postern.yaml for what is in it.
With --workers, N processes answer, or one for each core where N is auto; SIGHUP starts others in their place.
check --dns asks the system's DNS, or with --resolver that of an address.
check --user takes the password from POSTERN_PASSWORD, asks for it, or with --password-stdin reads it from standard input.
decode reads standard input when FILE is missing or -.
What is about devices asks the running Postern (admin in the configuration); with --json it answers JSON.

It ends with 0 when all is well, 1 when something is not (check marks it with !), 2 when it was called wrongly.
`

type Options = {
  config?: string | undefined; user?: string | undefined; workers?: string | undefined; 'password-stdin'?: boolean | undefined
  dns?: string | undefined; resolver?: string | undefined
} & DeviceOptions
type Run = (options: Options, operands: readonly string[]) => Promise<number>

const options = {
  config: { type: 'string' }, user: { type: 'string' }, workers: { type: 'string' }, 'password-stdin': { type: 'boolean' },
  json: { type: 'boolean' }, minutes: { type: 'string' }, once: { type: 'boolean' }, 'account-only': { type: 'boolean' },
  dns: { type: 'string' }, resolver: { type: 'string' },
  help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'V' },
} as const

/** Each command with the options it knows and the most operands it takes. */
const commands: Readonly<Record<string, { run: Run; knows: readonly (keyof Options)[]; operands: number }>> = {
  serve: { run: serve, knows: ['config', 'workers'], operands: 0 },
  check: { run: check, knows: ['config', 'user', 'password-stdin', 'dns', 'resolver'], operands: 0 },
  decode: { run: decodeFile, knows: [], operands: 1 },
  devices: { run: options => listDevices(configOf(options), options, say), knows: ['config', 'user', 'json'], operands: 0 },
  top: { run: options => topOfDevices(configOf(options), options, say), knows: ['config', 'user', 'json', 'once'], operands: 0 },
  block: ordering('block'), allow: ordering('allow'), wipe: ordering('wipe', ['account-only']), cancel: ordering('cancel'),
  resync: ordering('resync', [], 3), trace: ordering('trace', ['minutes']),
}

/** All but `resync` want a user and a device. */
function ordering(action: string, more: readonly (keyof Options)[] = [], operands = 2) {
  const run: Run = async (options, said) => {
    if (said.length < operands) throw new Usage(`${action} wants ${['USER', 'DEVICE', 'COLLECTION'].slice(0, operands).join(' ')}.`)
    if (options.minutes !== undefined && !/^([0-5]?\d|60)$/.test(options.minutes)) throw new Usage('--minutes wants a number from 0 to 60.')
    return orderForDevice(configOf(options), action, said, options, say)
  }
  return { run, knows: ['config', 'json', ...more] as const, operands }
}

/** Called wrongly: exit status 2. */
class Usage extends Error {}

async function main(args: string[]): Promise<number> {
  const { values: { help: asked, version, ...values }, positionals: [name, ...operands] } = parse(args)
  if (asked) return say(help)
  if (version) return say(`postern ${ownVersion()}\n`)
  const command = name === undefined ? undefined : commands[name]
  if (!command) throw new Usage(name === undefined ? 'A command is missing.' : `There is no command ${name}.`)
  const unknown = Object.keys(values).find(option => !command.knows.includes(option as keyof Options))
  if (unknown) throw new Usage(`${name} has no option --${unknown}.`)
  if (operands.length > command.operands) throw new Usage(`${name} does not know what to do with ${operands.at(-1)}.`)
  return command.run(values, operands)
}

const ownVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new Usage((error as Error).message.replace(/[.']* To specify [^]*/, "'."))
  }
}

async function serve({ workers, ...options }: Options): Promise<number> {
  if (workers !== undefined && workers !== 'auto' && !/^[1-9]\d{0,2}$/.test(workers)) throw new Usage('--workers wants a number, or auto.')
  const count = workers === 'auto' ? availableParallelism() : workers && Number(workers)
  return servePhones(() => configOf(options), count || undefined)
}

async function check({ user, dns, resolver, ...options }: Options): Promise<number> {
  if (!user && !dns) throw new Usage('check wants --user NAME, or --dns DOMAIN.')
  if (resolver !== undefined && !/^([\d.]+|\[?[\da-f:.]+\]?)(:\d+)?$/i.test(resolver)) throw new Usage('--resolver wants the address of a DNS server.')
  const { backends, autodiscover, cache: { shared } } = configOf(options)
  const findings: Finding[] = []
  if (dns) findings.push(...await checkDns(dns, { url: autodiscover?.url, ...(resolver === undefined ? {} : { resolver }) }))
  if (user) {
    const given = options['password-stdin'] ? undefined : process.env['POSTERN_PASSWORD']
    const password = given ?? await readPassword(`Password of ${user}: `)
    findings.push(...await tryBackends(backends, { kind: 'password', user: loginName(user), password }), await checkShared(shared))
  }
  say(findings.map(({ ok, text }) => `${ok ? ' ' : '!'} ${text}\n`).join(''))
  return findings.every(({ ok }) => ok) ? 0 : 1
}

async function checkShared(server: Config['cache']['shared']): Promise<Finding> {
  if (!server) return good('No shared cache is configured: each process goes by its own memory, and one process needs no other.')
  const trouble = await redisTrouble(server), name = `The shared cache at ${server.url}`
  return trouble === undefined ? good(`${name} answers and keeps what it is given.`)
    : bad(`${name} cannot be used: ${trouble}. Each process goes by its own memory.`)
}

async function decodeFile(_: Options, [file = '-']: readonly string[]): Promise<number> {
  const bytes = file === '-' ? await buffer(process.stdin) : readFileSync(file)
  const digits = bytes.toString('latin1').replace(/\s|0x|,/g, '')
  const isHex = /^([0-9a-f]{2})+$/i.test(digits)
  return say(printXml(decode(isHex ? Buffer.from(digits, 'hex') : bytes)))
}

const configOf = (options: Options) => loadConfig(options.config ?? process.env['POSTERN_CONFIG'] ?? 'postern.yaml', process.env)

function say(text: string): number {
  process.stdout.write(text)
  return 0
}

/** What ends the program, in a sentence; only of what no one expected, where it happened. */
function complain(error: unknown): number {
  const expected = error instanceof Failure || error instanceof Usage || (error instanceof Error && 'syscall' in error)
  process.stderr.write(`postern: ${expected ? error.message : stackOf(error)}\n`)
  if (error instanceof Usage) process.stderr.write('Try: postern --help\n')
  return error instanceof Usage ? 2 : 1
}

process.exitCode = await main(process.argv.slice(2)).catch(complain)
