// The help, the man page and the completions of shells say the same as the table of commands, and the program takes what they say.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bashCompletion, zshCompletion } from '../src/cli-completion.ts'
import { commandNames, commandOf, help, optionOf, options, optionsOf, ownOptions, usageOf, type OptionName } from '../src/cli-table.ts'

const page = readFileSync('examples/man/postern.1', 'utf8')
const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`

describe('the man page', () => {
  it('has each command as it is written', () => {
    const written = [...page.slice(0, page.indexOf('.Sh DESCRIPTION')).matchAll(/^\.Nm\n\.Cm ([^]*?)(?=^\.Nm)/gm)].map(([, text]) => text!.trim()
      .replace(/^\.Op (.*)$/gm, '[$1]').replace(/^\.(?=Fl|Ar)/gm, '').replaceAll('Fl -', '--').replaceAll('Ar ', '').replaceAll('\n', ' '))
    expect(written).toEqual(commandNames.map(usageOf))
  })

  it('says of each command and each option what the table says', () => {
    for (const name of commandNames) expect(page.replaceAll(/,\n(?=or with)/g, ', ')).toContain(`.It Cm ${name}\n${sentence(commandOf(name).does)}\n`)
    const told = [...page.matchAll(/^\.It (?:Fl (\w) , )?Fl -(\S+)(?: Ar (\S+))?\n(.*)$/gm)].map(([, short, name, value, does]) => [name, short, value, does])
    expect(told).toEqual((Object.keys(options) as OptionName[]).map(name => {
      const { short, value, does } = optionOf(name)
      return [name, short, value, sentence(does)]
    }))
  })

  it.runIf(has('mandoc'))('has no fault that mandoc finds', () => {
    const { stdout, status } = spawnSync('mandoc', ['-Tlint', 'examples/man/postern.1'], { encoding: 'utf8' })
    expect([stdout, status]).toEqual(['', 0])
  })
})

it('the help tells each command', () => {
  for (const name of commandNames) expect(help).toContain(`  postern ${usageOf(name)}`)
})

describe('the completion of bash', () => {
  const complete = (...words: string[]): string[] => {
    const script = `${bashCompletion()}\nCOMP_WORDS=(postern ${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _postern; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8', cwd: 'examples' })
    expect(stderr).toBe('')
    return stdout.split('\n').filter(Boolean)
  }

  it('knows commands, their options and their operands', () => {
    expect(complete('')).toEqual([...commandNames, ...ownOptions.map(name => `--${name}`)])
    expect(complete('se')).toEqual(['serve'])
    for (const name of commandNames) expect(complete(name, '--')).toEqual(optionsOf(name).map(({ option }) => `--${option}`))
    expect(complete('serve', '--workers', '')).toEqual(['auto'])
    expect(complete('serve', '--config', 'pos')).toEqual(['postern.yaml'])
    expect(complete('check', '--user', '')).toEqual([])
    expect(complete('completion', '')).toEqual(['bash', 'zsh'])
    expect(complete('decode', 'pos')).toEqual(['postern.yaml'])
  })
})

describe('the completion of zsh', () => {
  it('has each command with its options', () => {
    const text = zshCompletion()
    for (const name of commandNames) {
      const line = new RegExp(`^    ${name}\\) (.*) ;;$`, 'm').exec(text)![1]!
      expect([...line.matchAll(/'--([\w-]+)\[/g)].map(([, option]) => option)).toEqual(optionsOf(name).map(({ option }) => option))
    }
  })

  it.runIf(has('zsh'))('is what zsh can read, and define', () => {
    const script = `autoload -U compinit; compinit -D -u; ${zshCompletion()}\nprint $_comps[postern]`
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8' })
    expect([stdout, stderr]).toEqual(['_postern\n', ''])
  })
})
