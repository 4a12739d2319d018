import { commandNames, commandOf, optionOf, optionsOf, ownOptions, type CommandName, type Option, type OptionName } from './cli-table.ts'

const flags = (names: readonly OptionName[]): string => names.map(name => `--${name}`).join(' ')
const known = (name: CommandName): OptionName[] => optionsOf(name).map(({ option }) => option)
const words = (completed: Option['completed']): string => completed === undefined || completed === 'file' ? '' : completed.join(' ')

/** For bash: `complete -F`. */
export function bashCompletion(): string {
  const every = [...new Set(commandNames.flatMap(known))].filter(name => optionOf(name).type === 'string')
  const values = every.map(name => {
    const { completed } = optionOf(name)
    return `    --${name}) COMPREPLY=(${completed === undefined ? '' : `$(compgen ${completed === 'file' ? '-f' : `-W '${words(completed)}'`} -- "$word")`}); return ;;\n`
  }).join('')
  const cases = commandNames.map(name => {
    const { operands } = commandOf(name)
    const more = operands?.completed ? ` $(compgen ${operands.completed === 'file' ? '-f' : `-W '${words(operands.completed)}'`} -- "$word")` : ''
    return `    ${name}) COMPREPLY=($(compgen -W '${flags(known(name))}' -- "$word")${more}) ;;\n`
  }).join('')
  return `_postern() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  case $before in
${values}  esac
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W '${commandNames.join(' ')} ${flags(ownOptions)}' -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases}  esac
}
complete -o filenames -F _postern postern
`
}

/** For zsh: `compdef`, as a function of `fpath` or evaluated. */
export function zshCompletion(): string {
  const quoted = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(':', '\\:').replaceAll('[', '\\[').replaceAll(']', '\\]')
  const action = (completed: Option['completed']): string => completed === 'file' ? '_files' : completed ? `(${words(completed)})` : ' '
  const spec = (name: OptionName): string => {
    const { does, value, completed } = optionOf(name)
    return `'--${name}[${quoted(does)}]${value ? `:${value}:${action(completed)}` : ''}'`
  }
  const cases = commandNames.map(name => {
    const { operands } = commandOf(name)
    const specs = [...known(name).map(spec), ...(operands?.called ?? []).map((called, at) => `'${at + 1}:${called}:${action(operands?.completed)}'`)]
    return `    ${name}) ${specs.length ? `_arguments ${specs.join(' ')}` : '_message "nothing more"'} ;;\n`
  }).join('')
  return `#compdef postern
_postern() {
  local -a commands
  commands=(
${commandNames.map(name => `    '${name}:${quoted(commandOf(name).does)}'\n`).join('')}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments ${ownOptions.map(spec).join(' ')}
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases}  esac
}
if [ "$funcstack[1]" = _postern ]; then _postern "$@"; else compdef _postern postern; fi
`
}
