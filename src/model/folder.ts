/** What a folder is for, as SPECIAL-USE (RFC 6154), a table of names or the configuration tells. */
export type Role = 'inbox' | 'drafts' | 'trash' | 'sent' | 'outbox' | 'junk' | 'archive'

/** What is in a folder. */
export type Content = 'mail' | ObjectContent
/** What collections of objects hold: VEVENT, vCard, VTODO, VJOURNAL. */
export type ObjectContent = 'calendar' | 'contacts' | 'tasks' | 'notes'

/** Short and lasting: the mailbox's own identity, so a rename keeps it. Made by the backend, opaque elsewhere. */
export type FolderId = string & { readonly brand: 'FolderId' }

export type Folder = {
  readonly id: FolderId
  /** Undefined at the top of the hierarchy. */
  readonly parent: FolderId | undefined
  /** Unicode, one level, as people see it. */
  readonly name: string
  readonly role: Role | undefined
  readonly content: Content
  /** The collection that new objects of its content go to. */
  readonly isDefault?: boolean
  /** False for a name that only holds other folders (`\Noselect`). */
  readonly selectable: boolean
  /** The mailbox whose messages the objects are: no mail folder to who has it as this. */
  readonly mailbox?: FolderId
  /** What is in it cannot be changed by this user. */
  readonly readOnly?: boolean
  /** Beginnings of the names of objects that cannot be changed, in a folder of which others can. */
  readonly closed?: readonly string[]
}

/** Whether the user may not change this object. */
export const isClosed = ({ readOnly, closed }: Folder, name: string): boolean =>
  readOnly === true || closed?.some(beginning => name.startsWith(beginning)) === true

/** Whether a collection of objects is meant, not a mailbox: the ids of those have a dot in them, no mailbox's has. */
export const holdsObjects = (id: FolderId): boolean => id.includes('.')
