// What the program can be told: the help, the man page and the completions of shells are made of this table, or held against it.

/** What is completed where a word is wanted. */
type Completed = 'file' | readonly string[]

export type Option = { readonly type: 'string' | 'boolean'; readonly short?: string; readonly value?: string; readonly does: string; readonly completed?: Completed }
export type Command = {
  readonly does: string
  /** What it takes besides options: how each is called, whether all are wanted, what is completed. */
  readonly operands?: { readonly called: readonly string[]; readonly wanted?: true; readonly completed?: Completed }
  /** Its options, by their names; those it cannot do without have `!` behind. */
  readonly knows: readonly (keyof typeof options | `${keyof typeof options}!`)[]
}

export const shells = ['bash', 'zsh'] as const

export const options = {
  config: { type: 'string', value: 'FILE', does: 'the configuration; else what POSTERN_CONFIG names, else postern.yaml', completed: 'file' },
  user: { type: 'string', value: 'NAME', does: 'whose mailbox is tried, or whose devices are shown' },
  workers: { type: 'string', value: 'N', does: 'so many processes, or one for each core where it is auto', completed: ['auto'] },
  'password-stdin': { type: 'boolean', does: 'reads the password from standard input' },
  dns: { type: 'string', value: 'DOMAIN', does: 'the mail domain whose names in the DNS are looked at' },
  resolver: { type: 'string', value: 'ADDRESS', does: "whose DNS is asked; else the system's" },
  once: { type: 'boolean', does: 'shows it once, and ends' },
  'account-only': { type: 'boolean', does: 'wipes this account alone, where the device speaks 16.1' },
  minutes: { type: 'string', value: 'N', does: 'traces for so many minutes, 60 at most; 0 ends it', completed: ['0', '10', '60'] },
  json: { type: 'boolean', does: 'answers JSON, for scripts' },
  help: { type: 'boolean', short: 'h', does: 'tells what there is' },
  version: { type: 'boolean', short: 'V', does: 'tells the version' },
} as const satisfies Record<string, Option>

const oneDevice = { called: ['USER', 'DEVICE'], wanted: true } as const

export const commands = {
  serve: { does: 'answer phones; SIGHUP reads FILE again, SIGTERM ends', knows: ['config', 'workers'] },
  check: {
    does: "try each server behind Postern with a user's credentials, or with --dns what leads clients of a mail domain here",
    knows: ['config', 'user', 'password-stdin', 'dns', 'resolver'],
  },
  decode: { does: 'print WBXML, or its hexadecimal digits, as XML', knows: [], operands: { called: ['FILE'], completed: 'file' } },
  devices: { does: 'list the devices that are known, and what is ordered for them', knows: ['config', 'user', 'json'] },
  top: { does: 'show the devices seen last, anew every two seconds', knows: ['config', 'user', 'once', 'json'] },
  block: { does: 'let nothing more of a device in', knows: ['config', 'json'], operands: oneDevice },
  allow: { does: 'let a device in, out of quarantine and after a wipe too', knows: ['config', 'json'], operands: oneDevice },
  wipe: { does: 'have a device delete everything, or this account', knows: ['config', 'account-only', 'json'], operands: oneDevice },
  cancel: { does: 'take a wipe back that the device was not told of', knows: ['config', 'json'], operands: oneDevice },
  resync: { does: 'have a device begin a collection anew', knows: ['config', 'json'], operands: { called: [...oneDevice.called, 'COLLECTION'], wanted: true } },
  trace: { does: 'print what was traced of a device, or trace it for a while', knows: ['config', 'minutes', 'json'], operands: oneDevice },
  hash: { does: 'print the hash of a password, for admin.people of the configuration', knows: [] },
  schema: { does: 'print the JSON schema of the configuration, for editors', knows: [] },
  completion: { does: 'print the completion of a shell: bash or zsh', knows: [], operands: { called: ['SHELL'], completed: shells } },
} as const satisfies Record<string, Command>

export type OptionName = keyof typeof options
export type CommandName = keyof typeof commands

export const commandOf = (name: CommandName): Command => commands[name]
export const optionOf = (name: OptionName): Option => options[name]
export const commandNames = Object.keys(commands) as CommandName[]
export const optionsOf = (name: CommandName): { option: OptionName; needed: boolean }[] => commandOf(name).knows
  .map(known => ({ option: known.replace('!', '') as OptionName, needed: known.endsWith('!') }))
/** Those of the program itself. */
export const ownOptions: readonly OptionName[] = ['help', 'version']

/** How a command is written. */
export function usageOf(name: CommandName): string {
  const { operands } = commandOf(name)
  const words = optionsOf(name).map(({ option, needed }) => {
    const { value } = optionOf(option), text = `--${option}${value ? ` ${value}` : ''}`
    return needed ? text : `[${text}]`
  })
  const called = operands?.called.join(' ')
  return [name, ...words, ...(called === undefined ? [] : [operands?.wanted ? called : `[${called}]`])].join(' ')
}

export const help = `Postern gives a mail host Exchange ActiveSync.

${commandNames.map(name => `  postern ${usageOf(name)}\n      ${commandOf(name).does}\n`).join('')}  postern --help | --version

FILE of --config is postern.yaml, or what POSTERN_CONFIG names; see examples/postern.yaml for what is in it.
With --workers, N processes answer, or one for each core where N is auto; SIGHUP starts others in their place.
check wants --user, --dns or both; it asks the system's DNS, or with --resolver that of an address.
check --user takes the password from POSTERN_PASSWORD, asks for it, or with --password-stdin reads it from standard input.
decode reads standard input when FILE is missing or -.
What is about devices asks the Postern that runs (admin in the configuration); a USER is who signs in, a DEVICE its DeviceId.
hash asks for the password, or reads it from standard input.
completion is for the start of a shell: eval "$(postern completion bash)"

It ends with 0 when all is well, 1 when something is not (check marks it with !), 2 when it was called wrongly.
`
