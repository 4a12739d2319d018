// vobject (Debian's python3-vobject, which Radicale needs) as a witness: what it makes of a vCard has nothing of ours in it.
import { execFile } from 'node:child_process'

/** Of each vCard its properties: group, name, parameters and value as vobject understands them; null where it cannot read it. */
export type Witnessed = readonly (readonly [group: string, name: string, parameters: string, value: string])[] | null

const script = `
import base64, json, sys, vobject
def look(text):
    try:
        card = vobject.readOne(text, allowQP=True)
    except Exception:
        return None
    lines = []
    for one in card.getChildren():
        value = one.value if hasattr(one, 'value') else one.serialize()
        if not isinstance(value, (str, list, bytes)):
            value = sorted(vars(value).items())
        lines.append([one.group or '', one.name, json.dumps(sorted(one.params.items()) if hasattr(one, 'params') else []), str(value)])
    return sorted(lines)
json.dump([look(base64.b64decode(one).decode('utf-8')) for one in json.load(sys.stdin)], sys.stdout)
`

/** One process for all of them. */
export const witness = (cards: readonly Uint8Array[]): Promise<Witnessed[]> => new Promise((resolve, reject) => {
  const child = execFile('/usr/bin/python3', ['-c', script], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout) =>
    error ? reject(error) : resolve(JSON.parse(stdout) as Witnessed[]))
  child.stdin!.end(JSON.stringify(cards.map(octets => Buffer.from(octets).toString('base64'))))
})
