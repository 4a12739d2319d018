import type { Version } from './versions.ts'

/** What the URL and the headers of an EAS request say: [MS-ASHTTP] Request. */
export type EasRequest = {
  /** As the command table spells it: `FolderSync`. */
  readonly command: string
  readonly user: string
  readonly deviceId: string
  readonly deviceType: string
  readonly version: Version
  readonly policyKey: string | undefined
  readonly userAgent: string | undefined
  /** Whether the client takes multipart ItemOperations answers. */
  readonly multipart: boolean
  /** Up to 12.1 in the query: GetAttachment's AttachmentName, SendMail's SaveInSent, CollectionId, ItemId. */
  readonly attachmentName: string | undefined
  readonly saveInSent: boolean
  readonly collectionId: string | undefined
  readonly itemId: string | undefined
}
