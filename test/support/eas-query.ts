/** What goes into the URL, whichever form it takes. */
export type Query = {
  readonly command: string
  readonly user: string
  readonly deviceId: string
  readonly deviceType: string
  readonly version: string
  readonly policyKey: string
  readonly parameters: Readonly<Record<string, string>>
}

/** [MS-ASHTTP] Plain Text Query Value */
export const plainQuery = ({ command, user, deviceId, deviceType, parameters }: Query): string =>
  Object.entries({ Cmd: command, User: user, DeviceId: deviceId, DeviceType: deviceType, ...parameters })
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')

/** [MS-ASHTTP] Command Codes */
export const commandCodes: Readonly<Record<string, number>> = {
  Sync: 0, SendMail: 1, SmartForward: 2, SmartReply: 3, GetAttachment: 4, GetHierarchy: 5, CreateCollection: 6, DeleteCollection: 7,
  MoveCollection: 8, FolderSync: 9, FolderCreate: 10, FolderDelete: 11,
  FolderUpdate: 12,
  MoveItems: 13, GetItemEstimate: 14, MeetingResponse: 15, Search: 16, Settings: 17, Ping: 18, ItemOperations: 19, Provision: 20,
  ResolveRecipients: 21, ValidateCert: 22, Find: 23,
}

const parameterTags: Readonly<Record<string, number>> = {
  AttachmentName: 0, CollectionId: 1, CollectionName: 2, ItemId: 3, LongId: 4, ParentId: 5, Occurrence: 6
}

/** [MS-ASHTTP] Base64 Encoded Query Value */
export function base64Query({ command, user, deviceId, deviceType, version, policyKey, parameters }: Query): string {
  const sized = (value: Uint8Array): number[] => [value.length, ...value]
  const key = Buffer.alloc(4)
  key.writeUInt32LE(Number(policyKey))
  const flags = (parameters['SaveInSent'] === 'T' ? 1 : 0) | (parameters['AcceptMultiPart'] === 'T' ? 2 : 0)
  const options = flags ? [7, 1, flags] : []
  return Buffer.from([
    Math.round(Number(version) * 10), commandCodes[command] ?? 255, 0x09, 0x04,
    ...sized(Buffer.from(deviceId)), ...(policyKey === '0' ? [0] : sized(key)), ...sized(Buffer.from(deviceType)),
    ...Object.entries(parameters).flatMap(
      ([name, value]) => parameterTags[name] === undefined ? [] : [parameterTags[name], ...sized(Buffer.from(value))]
    ),
    ...options, 8, ...sized(Buffer.from(user)),
  ]).toString('base64')
}
