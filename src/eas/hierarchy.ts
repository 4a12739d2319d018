import type { Folder } from '../model/folder.ts'
import { show, type Hierarchy } from '../state/snapshot.ts'
import type { Call } from './command.ts'
import { folderType } from './folder-type.ts'
import { knowsRecipients, recipientsFolder } from './recipients.ts'

/** The hierarchy as this client sees it: the mailboxes, and what else its version knows. */
export const hierarchyOf = (call: Pick<Call, 'request' | 'settings'>, folders: readonly Folder[]): Hierarchy =>
  [...show(folders, folderType), ...(knowsRecipients(call) ? [recipientsFolder] : [])]
