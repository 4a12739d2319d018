import type { DeviceStore } from './base/devices.ts'
import type { Log } from './base/log.ts'
import type { Config } from './config.ts'
import { listenForAdmins } from './http/admin.ts'
import { adminPage } from './pages/admin-page.ts'
import { memoryCache } from './state/cache.ts'
import { deviceFolder } from './state/device-file.ts'
import { deviceRedis } from './state/device-redis.ts'
import { deviceStore } from './state/device-store.ts'
import { ownMemory } from './state/shared-memory.ts'
import { redisShared } from './state/shared-redis.ts'

/** Where the site keeps what it knows of devices; undefined where it keeps nothing. Rejects where orders are there that cannot be read. */
export async function openDevices({ devices, cache, eas }: Pick<Config, 'devices' | 'cache' | 'eas'>, log: Log): Promise<DeviceStore | undefined> {
  if (!devices) return undefined
  const place = devices.folder === undefined ? await deviceRedis(cache.shared!, eas.secret, log, devices.most) : await deviceFolder(devices.folder, log, devices.most)
  return deviceStore(place, log)
}

/** The listener for administrators, with its own look at the store: one for all workers. */
export async function startAdmin(config: Config, log: Log): Promise<{ close(): Promise<void> } | undefined> {
  const { admin, cache, eas: { secret }, listen: { trustedProxies } } = config
  if (!admin) return undefined
  const store = (await openDevices(config, log))!
  const own = ownMemory(memoryCache({ megabytes: 1 }))
  const site = admin.people && cache.shared && await redisShared(cache.shared, { secret, own, log })
  const pages = admin.people ? [adminPage({ people: admin.people, secret, store, shared: site ?? own, log })] : []
  const server = await listenForAdmins(admin, { store, log, trustedProxies, pages })
  log.info({ ...('socket' in admin ? { socket: admin.socket } : { port: server.port }), page: pages.length > 0 }, 'administrators are heard')
  return {
    async close() {
      await server.close(0)
      await store.close()
      site?.close()
    },
  }
}
