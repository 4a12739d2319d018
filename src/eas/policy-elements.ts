/**
 * [MS-ASPROV] EASProvisionDoc: every setting, in the order phones are used to, with the value that asks nothing of them. '' is
 * an empty element: no limit. Some phones refuse a policy that lacks a setting, so all are sent.
 */
export const policyElements = {
  DevicePasswordEnabled: '0', AlphanumericDevicePasswordRequired: '0', PasswordRecoveryEnabled: '0',
  RequireStorageCardEncryption: '0', AttachmentsEnabled: '1', MinDevicePasswordLength: '', MaxInactivityTimeDeviceLock: '',
  MaxDevicePasswordFailedAttempts: '', MaxAttachmentSize: '', AllowSimpleDevicePassword: '1', DevicePasswordExpiration: '', DevicePasswordHistory: '0',
  AllowStorageCard: '1', AllowCamera: '1', RequireDeviceEncryption: '0', AllowUnsignedApplications: '1',
  AllowUnsignedInstallationPackages: '1', MinDevicePasswordComplexCharacters: '1', AllowWiFi: '1', AllowTextMessaging: '1',
  AllowPOPIMAPEmail: '1', AllowBluetooth: '2', AllowIrDA: '1', RequireManualSyncWhenRoaming: '0', AllowDesktopSync: '1',
  MaxCalendarAgeFilter: '0', AllowHTMLEmail: '1', MaxEmailAgeFilter: '0', MaxEmailBodyTruncationSize: '-1',
  MaxEmailHTMLBodyTruncationSize: '-1', RequireSignedSMIMEMessages: '0', RequireEncryptedSMIMEMessages: '0',
  RequireSignedSMIMEAlgorithm: '0', RequireEncryptionSMIMEAlgorithm: '0', AllowSMIMEEncryptionAlgorithmNegotiation: '2',
  AllowSMIMESoftCerts: '1', AllowBrowser: '1', AllowConsumerEmail: '1', AllowRemoteDesktop: '1', AllowInternetSharing: '1',
} as const

/** [MS-ASPROV] those that are lists, with what they hold: names of programs in ROM that may not run, SHA-1 of others, the only ones that may. */
export const policyLists = { UnapprovedInROMApplicationList: 'ApplicationName', ApprovedApplicationList: 'Hash' } as const

/** [MS-ASWBXML] Code Page 14: those that 12.0 has. */
export const of120: ReadonlySet<string> = new Set([
  'DevicePasswordEnabled', 'AlphanumericDevicePasswordRequired', 'PasswordRecoveryEnabled', 'AttachmentsEnabled',
  'MinDevicePasswordLength', 'MaxInactivityTimeDeviceLock', 'MaxDevicePasswordFailedAttempts', 'MaxAttachmentSize',
  'AllowSimpleDevicePassword', 'DevicePasswordExpiration', 'DevicePasswordHistory',
])

/** [MS-ASPROV] the values of those that are numbers; the others are yes or no. */
const most = 4_294_967_295
const numbers: Readonly<Record<string, readonly [low: number, high: number]>> = {
  MinDevicePasswordLength: [1, 16], MaxInactivityTimeDeviceLock: [0, most], MaxDevicePasswordFailedAttempts: [4, 16],
  MaxAttachmentSize: [0, most], DevicePasswordExpiration: [0, most], DevicePasswordHistory: [0, most],
  MinDevicePasswordComplexCharacters: [1, 4], AllowBluetooth: [0, 2], MaxEmailAgeFilter: [0, 5],
  MaxEmailBodyTruncationSize: [-1, most], MaxEmailHTMLBodyTruncationSize: [-1, most], RequireSignedSMIMEAlgorithm: [0, 1],
  RequireEncryptionSMIMEAlgorithm: [0, 4], AllowSMIMEEncryptionAlgorithmNegotiation: [0, 2],
}

/** What is wrong with a setting's value, in words; undefined where phones know it. */
export function policyValueFault(name: string, value: string | number | boolean): string | undefined {
  if (value === '' && policyElements[name as keyof typeof policyElements] === '') return undefined
  const text = typeof value === 'boolean' ? (value ? '1' : '0') : String(value)
  if (name === 'MaxCalendarAgeFilter') return /^[04-7]$/.test(text) ? undefined : 'must be 0 or 4 to 7'
  const [low, high] = numbers[name] ?? [0, 1]
  if (/^-?\d{1,10}$/.test(text) && Number(text) >= low && Number(text) <= high) return undefined
  return numbers[name] ? `must be a number from ${low} to ${high}` : 'must be true or false'
}
