/** Puts plain text together from running text and block borders, folding white space as a browser does. */
export class PlainText {
  readonly #pieces: string[] = []
  /** Characters so far. */
  length = 0
  /** How many elements deep white space is to be kept, and a quotation is. */
  pre = 0
  quotes = 0
  #breaks = 0 // line ends owed before the next text
  #gap = '' // white space owed before the next text of the line
  #bullet = ''
  #begun = false // whether this line has text

  #push(piece: string): void {
    this.#pieces.push(piece)
    this.length += piece.length
  }

  write(piece: string): void {
    if (this.pre > 0) this.#writePre(piece)
    else {
      const words = piece.replace(/(?:[\s\u200b\u00ad\u2060]|\u034f)+/g, ' ')
      if (words === '') return
      if (words.startsWith(' ')) this.#gap ||= ' '
      const solid = words.trim()
      if (solid === '') return
      this.#begin()
      this.#push(solid)
      if (words.endsWith(' ')) this.#gap = ' '
    }
  }

  #writePre(piece: string): void {
    for (const [index, line] of piece.split(/\r\n|\r|\n/).entries()) {
      if (index > 0) this.line()
      if (line === '') continue
      this.#begin()
      this.#push(line)
    }
  }

  /** Pays what is owed before text. */
  #begin(): void {
    if (!this.#begun) {
      if (this.length > 0) this.#push('\r\n'.repeat(Math.max(1, this.#breaks)))
      this.#push('> '.repeat(Math.min(this.quotes, 20)) + this.#bullet)
      this.#bullet = ''
    } else this.#push(this.#gap)
    this.#begun = true
    this.#breaks = 0
    this.#gap = ''
  }

  /** The next text begins a line. A `soft` one adds nothing to a line that has just begun. */
  line(soft = false): void {
    if (!soft || this.#begun) this.#breaks = Math.min(this.#breaks + 1, 3)
    this.#begun = false
    this.#gap = ''
  }

  /** The next text comes after an empty line. */
  paragraph(): void {
    this.line(true)
    this.#breaks = Math.max(this.#breaks, 2)
  }

  rule(): void {
    this.line(true)
    this.write('-'.repeat(40))
    this.line(true)
  }

  /** Cells of a row. */
  tab(): void {
    if (this.#begun) this.#gap = '\t'
  }

  bullet(mark: string, depth: number): void {
    this.#bullet = '  '.repeat(Math.min(Math.max(depth - 1, 0), 10)) + mark
  }

  /** The address of a link whose text began when the text was `start` long, unless that text says it already. */
  address(href: string, start: number): void {
    if (this.length === start) return
    const shown = this.#since(start).replace(/^https?:\/\/|\/$/gi, '')
    const target = href.replace(/^mailto:|^https?:\/\/|\/$/gi, '')
    if (!shown.includes(target)) this.write(` <${href}>`)
  }

  #since(start: number): string {
    let text = ''
    for (let index = this.#pieces.length - 1, left = this.length - start; left > 0 && index >= 0; index--) {
      text = this.#pieces[index] + text
      left -= this.#pieces[index]!.length
    }
    return text.trim()
  }

  finish(): string {
    return this.#pieces.join('')
  }
}
