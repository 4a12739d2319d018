/** A note; line breaks of its plain text are LF. */
export type Note = {
  readonly subject: string
  readonly text: string
  /** What its writer had, where that was more. */
  readonly html?: string | undefined
  readonly categories: readonly string[]
  readonly modified: Date | undefined
  /** What kind of note it is, where a client has kinds of its own. */
  readonly kind: string | undefined
}

/** What is to change: what is undefined stays, what is '' goes. */
export type NotePatch = {
  readonly subject?: string | undefined
  readonly text?: string | undefined
  /** The form in HTML that a new `text` goes along with. */
  readonly html?: string | undefined
  readonly categories?: readonly string[] | undefined
  readonly kind?: string | undefined
}
