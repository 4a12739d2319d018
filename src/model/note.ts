/** A note of plain text; line breaks are LF. */
export type Note = {
  readonly subject: string
  readonly text: string
  readonly categories: readonly string[]
  readonly modified: Date | undefined
  /** What kind of note it is, where a client has kinds of its own. */
  readonly kind: string | undefined
}

/** What is to change: what is undefined stays, what is '' goes. */
export type NotePatch = {
  readonly subject?: string | undefined
  readonly text?: string | undefined
  readonly categories?: readonly string[] | undefined
  readonly kind?: string | undefined
}
