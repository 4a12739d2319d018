import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, open, rename, rm, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { bad, good, type Finding } from './backend/check-finding.ts'
import { Failure } from './base/failure.ts'
import { silent, type Log } from './base/log.ts'
import { askAdmin, nameOf } from './cli-devices.ts'
import type { Config } from './config.ts'
import { deviceFolder } from './state/device-file.ts'
import type { DevicePlace } from './state/device-place.ts'
import { deviceRedis } from './state/device-redis.ts'

/** Where devices are remembered, and where administrators are heard. Nothing is made that is not there. */
export const checkDevices = async (config: Config): Promise<Finding[]> =>
  config.devices ? [...await checkPlace(config), ...await checkAdmin(config)]
    : [good('No place for devices is configured: nothing is remembered of them, and none can be blocked or wiped.')]

function checkPlace({ devices, cache, eas }: Config): Promise<Finding[]> {
  const { folder, most } = devices!
  return folder === undefined ? checkRedis(log => deviceRedis(cache.shared!, eas.secret, log, most)) : checkFolder(folder, most)
}

async function checkFolder(folder: string, most: number): Promise<Finding[]> {
  const name = `The folder for devices, ${folder},`, who = `by ${userInfo().username}, who runs this`
  if (!await stat(folder).catch(() => undefined)) {
    const above = dirname(folder), can = await access(above, constants.W_OK | constants.X_OK).then(() => true, () => false)
    return [can ? good(`${name} is not there yet: Postern makes it when it starts.`) : bad(`${name} is not there, and cannot be made in ${above} ${who}.`)]
  }
  try {
    await tryToKeep(folder)
  } catch (error) {
    return [bad(`${name} cannot be written to ${who} (${(error as NodeJS.ErrnoException).code ?? String(error)}).`)]
  }
  return [good(`${name} can be written to ${who}: it has to be the user that Postern runs as.`), ...await checkOrders(() => deviceFolder(folder, silent, most))]
}

/** As orders are kept: written, flushed, renamed. */
async function tryToKeep(folder: string): Promise<void> {
  const file = join(folder, `check-${randomBytes(6).toString('hex')}`)
  try {
    const opened = await open(file, 'wx', 0o600)
    try {
      await opened.writeFile('check')
      await opened.sync()
    } finally {
      await opened.close()
    }
    await rename(file, `${file}-kept`)
  } finally {
    await Promise.all([rm(file, { force: true }), rm(`${file}-kept`, { force: true })])
  }
}

/** What it warns of when it starts is a finding. */
async function checkRedis(openPlace: (log: Log) => Promise<DevicePlace>): Promise<Finding[]> {
  const warned: string[] = []
  const found = await checkOrders(() => openPlace({ ...silent, warn: (_, message) => void warned.push(message) }))
  return [...found, ...warned.map(message => bad(`For devices: ${message}.`))]
}

async function checkOrders(openPlace: () => Promise<DevicePlace>): Promise<Finding[]> {
  let place: DevicePlace | undefined
  try {
    place = await openPlace()
    return [good(`Orders for ${(await place.orders()).size} devices are kept there.`)]
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return [bad(`What is ordered for devices cannot be read: ${error.message}. Until it can, no phone is let in.`)]
  } finally {
    place?.close()
  }
}

async function checkAdmin(config: Config): Promise<Finding[]> {
  const { admin } = config
  if (!admin) return [good('No listener for administrators is configured: postern devices and its like cannot be used.')]
  const name = `The listener for administrators at ${nameOf(admin)}`
  try {
    await askAdmin(config, 'GET', '/devices?user=-')
    return [good(`${name} answers to the token.`)]
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.kind !== 'unavailable') return [bad(`${name} is of a Postern with another configuration: ${error.message}.`)]
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
    const above = 'socket' in admin ? dirname(admin.socket) : undefined
    if (above !== undefined && !await stat(above).catch(() => undefined)) return [bad(`${name} cannot be made: there is no folder ${above}.`)]
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return [good(`${name} does not answer: no Postern runs with this configuration.`)]
    return [bad(`${name} does not answer: ${error.message}.`)]
  }
}
