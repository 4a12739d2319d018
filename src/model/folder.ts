/** What a folder is for, as SPECIAL-USE (RFC 6154), a table of names or the configuration tells. */
export type Role = 'inbox' | 'drafts' | 'trash' | 'sent' | 'outbox' | 'junk' | 'archive'

/** Short and lasting: the mailbox's own identity, so a rename keeps it. Made by the backend, opaque elsewhere. */
export type FolderId = string & { readonly brand: 'FolderId' }

export type Folder = {
  readonly id: FolderId
  /** Undefined at the top of the hierarchy. */
  readonly parent: FolderId | undefined
  /** Unicode, one level, as people see it. */
  readonly name: string
  readonly role: Role | undefined
  /** False for a name that only holds other folders (`\Noselect`). */
  readonly selectable: boolean
}
