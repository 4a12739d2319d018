import type { Folder, Role } from '../model/folder.ts'

/** [MS-ASCMD] Type (FolderSync). */
const types: Partial<Record<Role, string>> = { inbox: '2', drafts: '3', trash: '4', sent: '5', outbox: '6' }

/** A user-created mail folder: junk and archive have no type of their own, nor has a name that only holds other folders. */
export const userMail = '12'

export const folderType = (folder: Folder): string => folder.role && types[folder.role] || userMail
