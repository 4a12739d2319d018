#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { buffer } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { Failure } from './base/failure.ts'
import { bashCompletion, zshCompletion } from './cli-completion.ts'
import { listDevices, orderForDevice, topOfDevices, type DeviceOptions } from './cli-devices.ts'
import { commandNames, commandOf, help, options, optionsOf, shells, type CommandName, type OptionName } from './cli-table.ts'
import { loadConfig } from './config.ts'
import { configurationSchema } from './config-json-schema.ts'
import { loginName } from './http/auth.ts'
import { stackOf } from './http/exchange.ts'
import { hashPassword } from './pages/password-hash.ts'
import { readPassword } from './password.ts'
import { decode } from './wire/wbxml.ts'
import { printXml } from './wire/xml.ts'

type Options = Partial<Record<'config' | 'user' | 'workers' | 'dns' | 'resolver', string | undefined>> & { 'password-stdin'?: boolean | undefined } & DeviceOptions
type Run = (options: Options, operands: readonly string[]) => Promise<number>

const runs: Readonly<Record<CommandName, Run>> = {
  serve, check, decode: decodeFile, schema: async () => say(configurationSchema()), completion,
  devices: options => listDevices(configOf(options), options, say), top: options => topOfDevices(configOf(options), options, say),
  block: order('block'), allow: order('allow'), wipe: order('wipe'), cancel: order('cancel'), resync: order('resync'), trace: order('trace'), hash,
}

function order(action: string): Run {
  return async (options, said) => {
    if (options.minutes !== undefined && !/^([0-5]?\d|60)$/.test(options.minutes)) throw new Usage('--minutes wants a number from 0 to 60.')
    return orderForDevice(configOf(options), action, said, options, say)
  }
}

/** Called wrongly: exit status 2. */
class Usage extends Error {}

async function main(args: string[]): Promise<number> {
  const { values: { help: asked, version, ...values }, positionals: [name, ...operands] } = parse(args)
  if (asked) return say(help)
  if (version) return say(`postern ${ownVersion()}\n`)
  if (name === undefined) throw new Usage('A command is missing.')
  if (!isCommand(name)) throw new Usage(`There is no command ${name}.`)
  const known = optionsOf(name).map(({ option }) => option), { operands: takes } = commandOf(name)
  const unknown = Object.keys(values).find(option => !known.includes(option as OptionName))
  if (unknown) throw new Usage(`${name} has no option --${unknown}.`)
  const called = takes?.called ?? []
  if (operands.length > called.length) throw new Usage(`${name} does not know what to do with ${operands.at(-1)}.`)
  if (takes?.wanted && operands.length < called.length) throw new Usage(`${name} wants ${called.join(' ')}.`)
  return runs[name](values, operands)
}

const isCommand = (name: string): name is CommandName => (commandNames as string[]).includes(name)

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
  // Half of the program, which the other commands need not load.
  const { serve: servePhones } = await import('./serve.ts')
  return servePhones(() => configOf(options), count || undefined)
}

async function check({ user, dns, resolver, ...options }: Options): Promise<number> {
  if (!user && !dns) throw new Usage('check wants --user NAME, or --dns DOMAIN.')
  if (resolver !== undefined && !/^([\d.]+|\[?[\da-f:.]+\]?)(:\d+)?$/i.test(resolver)) throw new Usage('--resolver wants the address of a DNS server.')
  const given = options['password-stdin'] ? undefined : process.env['POSTERN_PASSWORD']
  const config = configOf(options)
  const credentials = user ? { kind: 'password' as const, user: loginName(user), password: given ?? await readPassword(`Password of ${user}: `) } : undefined
  const { checkAll } = await import('./check.ts')
  const findings = await checkAll(config, { credentials, dns, resolver })
  say(findings.map(({ ok, text }) => `${ok ? ' ' : '!'} ${text}\n`).join(''))
  return findings.every(({ ok }) => ok) ? 0 : 1
}

async function decodeFile(_: Options, [file = '-']: readonly string[]): Promise<number> {
  const bytes = file === '-' ? await buffer(process.stdin) : readFileSync(file)
  const digits = bytes.toString('latin1').replace(/\s|0x|,/g, '')
  const isHex = /^([0-9a-f]{2})+$/i.test(digits)
  return say(printXml(decode(isHex ? Buffer.from(digits, 'hex') : bytes)))
}

async function hash(): Promise<number> {
  const password = await readPassword('Password: ')
  if (password.length < shortest) throw new Failure('malformed', `a password has ${shortest} characters at least`)
  return say(`${await hashPassword(password)}\n`)
}

/** Characters of an administrator's password. */
const shortest = 8

const completions = { bash: bashCompletion, zsh: zshCompletion }

async function completion(_: Options, [shell = '']: readonly string[]): Promise<number> {
  const known = shells.find(name => name === shell)
  if (!known) throw new Usage(`completion wants a shell: ${shells.join(' or ')}.`)
  return say(completions[known]())
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
