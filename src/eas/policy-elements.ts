/**
 * [MS-ASPROV] EASProvisionDoc: every setting, in the order phones are used to, with the value that asks nothing of them. '' is
 * an empty element: no limit. Some phones refuse a policy that lacks a setting, so all are sent.
 */
export const policyElements = {
  DevicePasswordEnabled: '0', AlphanumericDevicePasswordRequired: '0', PasswordRecoveryEnabled: '0',
  RequireStorageCardEncryption: '0', AttachmentsEnabled: '1', MinDevicePasswordLength: '', MaxInactivityTimeDeviceLock: '',
  MaxDevicePasswordFailedAttempts: '', MaxAttachmentSize: '', AllowSimpleDevicePassword: '1', DevicePasswordExpiration: '', DevicePasswordHistory: '0',
  AllowStorageCard: '1', AllowCamera: '1', RequireDeviceEncryption: '0', AllowUnsignedApplications: '1',
  AllowUnsignedInstallationPackages: '1', MinDevicePasswordComplexCharacters: '3', AllowWiFi: '1', AllowTextMessaging: '1',
  AllowPOPIMAPEmail: '1', AllowBluetooth: '2', AllowIrDA: '1', RequireManualSyncWhenRoaming: '0', AllowDesktopSync: '1',
  MaxCalendarAgeFilter: '0', AllowHTMLEmail: '1', MaxEmailAgeFilter: '0', MaxEmailBodyTruncationSize: '-1',
  MaxEmailHTMLBodyTruncationSize: '-1', RequireSignedSMIMEMessages: '0', RequireEncryptedSMIMEMessages: '0',
  RequireSignedSMIMEAlgorithm: '0', RequireEncryptionSMIMEAlgorithm: '0', AllowSMIMEEncryptionAlgorithmNegotiation: '2',
  AllowSMIMESoftCerts: '1', AllowBrowser: '1', AllowConsumerEmail: '1', AllowRemoteDesktop: '1', AllowInternetSharing: '1',
} as const

/** [MS-ASWBXML] Code Page 14: those that 12.0 has. */
export const of120: ReadonlySet<string> = new Set([
  'DevicePasswordEnabled', 'AlphanumericDevicePasswordRequired', 'PasswordRecoveryEnabled', 'AttachmentsEnabled',
  'MinDevicePasswordLength', 'MaxInactivityTimeDeviceLock', 'MaxDevicePasswordFailedAttempts', 'MaxAttachmentSize',
  'AllowSimpleDevicePassword', 'DevicePasswordExpiration', 'DevicePasswordHistory',
])
