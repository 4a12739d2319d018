// The manifests of examples/kubernetes/: by the API's own types, and fitting each other and what Postern does.
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js'
import type { ConfigMap, HTTPGetAction, Secret, Service } from 'kubernetes-types/core/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseConfig } from '../../src/config.ts'

type Manifest = { readonly apiVersion: string; readonly kind: string }

const folder = 'examples/kubernetes'
const manifests = globSync(`${folder}/*.yaml`).flatMap(file => [...parseAllDocuments(readFileSync(file, 'utf8'))].map(document => {
  if (document.errors.length) throw document.errors[0]!
  return document.toJS() as Manifest
}))
const find = <T>(kind: string): T => manifests.find(one => one.kind === kind) as T

/** What the compiler says of manifests, written as constants of their types: names that are not there and values of another kind. */
function faultsOf(list: readonly Manifest[]): string {
  const types = resolve('node_modules/kubernetes-types')
  const place = mkdtempSync(join(tmpdir(), 'postern-manifests-'))
  try {
    const file = join(place, 'manifests.ts')
    writeFileSync(file, list.map((manifest, n) => {
      const { apiVersion, kind } = manifest
      const group = apiVersion.includes('/') ? apiVersion.replace(/\.[^/]*/, '') : `core/${apiVersion}`
      return `export const manifest${n}: import(${JSON.stringify(`${types}/${group}`)}).${kind} = ${JSON.stringify(manifest, null, 1)}\n`
    }).join(''))
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'preserve', '--types', '']
    const { stdout, status } = spawnSync(resolve('node_modules/.bin/tsc'), [...options, file], { encoding: 'utf8', cwd: place })
    return status === 0 ? '' : stdout || 'tsc failed'
  } finally {
    rmSync(place, { recursive: true })
  }
}

describe('the manifests for Kubernetes', () => {
  const deployment = find<Deployment>('Deployment')
  const pod = deployment.spec!.template.spec!
  const container = pod.containers[0]!
  const labels = deployment.spec!.template.metadata!.labels!
  const config = parseConfig(find<ConfigMap>('ConfigMap').data!['postern.yaml']!, {
    name: 'postern.yaml', folder: '.', environment: { POSTERN_SECRET: find<Secret>('Secret').stringData!['secret'] },
  })
  const portOf = (name: string | number): number | undefined => container.ports!.find(port => port.name === name)?.containerPort

  it('say what the API knows', () => {
    expect(manifests.map(({ kind }) => kind).sort())
      .toEqual(['ConfigMap', 'Deployment', 'HorizontalPodAutoscaler', 'PodDisruptionBudget', 'Secret', 'Service'])
    expect(faultsOf(manifests)).toBe('')
  })

  it('would not pass with a name the API does not know, or a value of another kind', () => {
    const wrong = JSON.parse(JSON.stringify(manifests).replace('"readinessProbe"', '"readinesProbe"').replace('"minReplicas":3', '"minReplicas":"3"')) as Manifest[]
    expect(faultsOf(wrong)).toMatch(/readinesProbe[^]*'string' is not assignable to type 'number'/)
  })

  it('have selectors that find the pods, and a Service that finds their port', () => {
    expect(deployment.spec!.selector.matchLabels).toEqual(labels)
    const service = find<Service>('Service').spec!
    expect(service.selector).toEqual(labels)
    expect(portOf(service.ports![0]!.targetPort!)).toBe(config.listen.port)
    expect(find<PodDisruptionBudget>('PodDisruptionBudget').spec!.selector!.matchLabels).toEqual(labels)
    expect(pod.topologySpreadConstraints![0]!.labelSelector!.matchLabels).toEqual(labels)
    const { scaleTargetRef: { apiVersion, kind, name } } = find<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').spec!
    expect([apiVersion, kind, name]).toEqual([deployment.apiVersion, deployment.kind, deployment.metadata!.name])
    // Who scales is not overruled by who applies the manifest again.
    expect(deployment.spec!.replicas).toBe(undefined)
  })

  it('probe the internal listener, which answers more than this host', () => {
    const probe = (get: HTTPGetAction | undefined) => [get!.path, portOf(get!.port)]
    const { port, host } = config.internal!
    expect(host).toBe('0.0.0.0')
    expect(probe(container.startupProbe!.httpGet)).toEqual(['/healthz', port])
    expect(probe(container.livenessProbe!.httpGet)).toEqual(['/healthz', port])
    expect(probe(container.readinessProbe!.httpGet)).toEqual(['/readyz', port])
  })

  it('leave Postern the time to end, and the Service the time to notice', () => {
    const [, pause] = container.lifecycle!.preStop!.exec!.command!
    const { pauseSeconds, seconds } = config.drain
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(pause) + pauseSeconds + seconds)
    const { periodSeconds = 10, failureThreshold = 3 } = container.readinessProbe!
    expect(pauseSeconds).toBeGreaterThan(periodSeconds * failureThreshold)
    expect(deployment.spec!.strategy!.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
  })

  it('mount what they name where the image looks for it, and give the process no more than it needs', () => {
    const dockerfile = readFileSync('Dockerfile', 'utf8')
    expect(dockerfile).toContain(`POSTERN_CONFIG=${container.volumeMounts![0]!.mountPath}/postern.yaml`)
    expect(pod.volumes).toMatchObject([{ name: container.volumeMounts![0]!.name, configMap: { name: find<ConfigMap>('ConfigMap').metadata!.name } }])
    expect(container.env![0]!.valueFrom!.secretKeyRef).toEqual({ name: find<Secret>('Secret').metadata!.name, key: 'secret' })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] },
    })
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
  })
})
