import { el, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Command } from '../command.ts'
import { show, type Shown } from '../../state/snapshot.ts'
import { folderType, userMail } from '../folder-type.ts'

// [MS-ASCMD] GetHierarchy, up to 12.1: the mail folders and no key to go on from.
export const getHierarchy: Command = {
  async run({ stores, facts }) {
    const folders = show(await stores.mail.folders(), folderType)
    facts['folders'] = folders.length
    return wbxml(el('FolderHierarchy:Folders', folders.map(folderNode)))
  },

  refuse: kind => kind === 'unavailable' ? 503 : 500,
}

/** [MS-ASCMD] Type (GetHierarchy) ends at 6; 1 is what users made. */
export const folderNode = ({ id, parent, name, type }: Shown): Node => el('FolderHierarchy:Folder', [
  el('FolderHierarchy:DisplayName', name),
  el('FolderHierarchy:ServerId', id),
  el('FolderHierarchy:Type', type === userMail ? '1' : type),
  el('FolderHierarchy:ParentId', parent),
])
