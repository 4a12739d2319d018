import type { Policy } from './rules.ts'

const lock = 'HKLM\\Comm\\Security\\Policy\\LASSD'

/**
 * MS-WAP-Provisioning-XML, what version 2.5 has for a policy: a document of Windows Mobile's configuration service providers (Windows
 * Mobile SDK, SecurityPolicy and Registry Configuration Service Provider). It knows passwords and locks; the rest came with 12.0.
 */
export function policyXml(policy: Policy): string {
  const wanted = isOn(policy['DevicePasswordEnabled'])
  // 4131, Password Required Policy: 0 requires one.
  const security = characteristic('SecurityPolicy', [parm('4131', wanted ? 0 : 1)])
  return `<wap-provisioningdoc>${security}${wanted ? characteristic('Registry', settings(policy)) : ''}</wap-provisioningdoc>`
}

function settings(policy: Policy): string[] {
  const seconds = count(policy['MaxInactivityTimeDeviceLock'])
  const tries = count(policy['MaxDevicePasswordFailedAttempts'])
  const length = count(policy['MinDevicePasswordLength'])
  const complexity = parm('PasswordComplexity', isOn(policy['AlphanumericDevicePasswordRequired']) ? 0 : 2)
  return [
    characteristic(`${lock}\\AE\\{50C13377-C66D-400C-889E-C316FC4AB374}`, [
      parm('AEFrequencyType', seconds ? 1 : 0),
      ...(seconds ? [parm('AEFrequencyValue', Math.ceil(seconds / 60))] : []), // minutes
    ]),
    ...(tries ? [characteristic(lock, [parm('DeviceWipeThreshold', tries)])] : []),
    characteristic(`${lock}\\LAP\\lap_pw`, [...(length ? [parm('MinimumPasswordLength', length)] : []), complexity]),
  ]
}

const isOn = (value: Policy[string] | undefined): boolean => value === true || String(value) === '1'

/** A number that asks for something; undefined for what is no such. */
const count = (value: Policy[string] | undefined): number | undefined =>
  /^[1-9]\d{0,8}$/.test(String(value)) ? Number(value) : undefined

const characteristic = (type: string, children: readonly string[]): string =>
  `<characteristic type="${type}">${children.join('')}</characteristic>`
const parm = (name: string, value: number): string => `<parm name="${name}" value="${value}"/>`
