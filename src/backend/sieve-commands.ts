// RFC 5228, Lexical Tokens: comments, text: and quoted strings, words, and anything else by the character. What is not closed reaches
// to the end, so that it is read only once.
const tokens = /#[^\n]*|\/\*[^]*?(?:\*\/|$)|text:[ \t]*(?:#[^\n]*)?\r?(?=\n)(?:[^]*?\n\.\r?(?:\n|$)|[^]*)|"[^"\\]*(?:\\[^][^"\\]*)*"?|[a-z_]\w*|\S/gi

/** Whether a script may carry out a command: whether it stands anywhere but in comments, strings and blocks that are never entered. */
export function mayRun(script: string, command: string): boolean {
  let never = false, depth = 0
  let before = ''
  for (const [token] of script.matchAll(tokens)) {
    if (token.startsWith('#') || token.startsWith('/*')) continue
    if (token === '{') depth += never || depth > 0 ? 1 : 0
    else if (token === '}') depth -= depth > 0 ? 1 : 0
    else if (depth === 0 && token.toLowerCase() === command) return true
    // Webmails write a rule that is switched off as `if false`.
    never = before === 'if' && token.toLowerCase() === 'false'
    before = token.toLowerCase()
  }
  return false
}
