import type { Content, Folder, ObjectContent, Role } from '../model/folder.ts'

/** [MS-ASCMD] Type (FolderSync). */
const types: Partial<Record<Role, string>> = { inbox: '2', drafts: '3', trash: '4', sent: '5', outbox: '6' }
const defaults: Readonly<Record<ObjectContent, string>> = { tasks: '7', calendar: '8', contacts: '9', notes: '10' }

/** A user-created mail folder: junk and archive have no type of their own, nor has a name that only holds other folders. */
export const userMail = '12'
const userCreated: Readonly<Record<Content, string>> = { mail: userMail, calendar: '13', contacts: '14', tasks: '15', notes: '17' }

export function folderType({ role, content, isDefault }: Folder): string {
  if (content !== 'mail') return isDefault ? defaults[content] : userCreated[content]
  return role && types[role] || userMail
}

/** [MS-ASCMD] Type (FolderCreate): what a folder of this type will hold; undefined for one that no client can create. */
export const contentOfType = (type: string): Content | undefined =>
  type === '1' ? 'mail' : (Object.keys(userCreated) as Content[]).find(content => userCreated[content] === type)

/** [MS-ASCMD] Class: what items of such a folder are called. */
export const classes: Readonly<Record<Content, string>> = {
  mail: 'Email', calendar: 'Calendar', contacts: 'Contacts', tasks: 'Tasks', notes: 'Notes',
}
