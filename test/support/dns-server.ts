import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** Records by name; a name with none of the type asked for has no data, another one does not exist. `fail`: SERVFAIL. */
export type Zone = Readonly<Record<string, { readonly A?: string; readonly AAAA?: string; readonly CNAME?: string; readonly SRV?: readonly [port: number, target: string]; readonly fail?: true }>>

const types = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 } as const

const nameOf = (name: string): Buffer =>
  Buffer.concat([...name.split('.').filter(Boolean).map(label => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])])

const number = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])

function dataOf(type: keyof typeof types, record: NonNullable<Zone[string]>): Buffer {
  if (type === 'A') return Buffer.from(record.A!.split('.').map(Number))
  if (type === 'CNAME') return nameOf(record.CNAME!)
  if (type === 'SRV') return Buffer.concat([number(0), number(0), number(record.SRV![0]), nameOf(record.SRV![1])])
  // Written with all of its eight groups.
  return Buffer.concat(record.AAAA!.split(':').map(group => number(parseInt(group, 16))))
}

/** RFC 1035: a DNS server over UDP on a free port of 127.0.0.1, that follows aliases inside its zone. */
export async function startDns(zone: Zone): Promise<{ readonly address: string; readonly questions: string[]; close(): void }> {
  const socket = createSocket('udp4')
  const questions: string[] = []
  socket.on('message', (message, { port, address }) => {
    let at = 12
    const labels: string[] = []
    while (message[at]!) {
      labels.push(message.toString('latin1', at + 1, at + 1 + message[at]!))
      at += 1 + message[at]!
    }
    const question = message.subarray(12, at + 5), name = labels.join('.').toLowerCase()
    const type = Object.entries(types).find(([, code]) => code === message.readUInt16BE(at + 1))?.[0] as keyof typeof types | undefined
    questions.push(`${name} ${type}`)
    const answers: Buffer[] = []
    const add = (owner: string, kind: keyof typeof types, record: NonNullable<Zone[string]>): void => {
      const data = dataOf(kind, record)
      answers.push(Buffer.concat([nameOf(owner), number(types[kind]), number(1), Buffer.alloc(4), number(data.length), data]))
    }
    let owner = name
    for (let record = zone[owner]; record?.CNAME !== undefined && type !== 'CNAME' && answers.length < 8; record = zone[owner]) {
      add(owner, 'CNAME', record)
      owner = record.CNAME
    }
    const last = zone[owner]
    if (type !== undefined && last?.[type] !== undefined) add(owner, type, last)
    const code = zone[name]?.fail ? 2 : last || answers.length > 0 ? 0 : 3
    const head = Buffer.concat([message.subarray(0, 2), number(0x8180 | code), number(1), number(code === 2 ? 0 : answers.length), Buffer.alloc(4)])
    socket.send(Buffer.concat([head, question, ...(code === 2 ? [] : answers)]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${(socket.address() as AddressInfo).port}`, questions, close: () => void socket.close() }
}
