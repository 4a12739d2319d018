/** What little XML the tests read: elements, attributes, text, references, CDATA; comments and declarations are skipped. */
export type XmlElement = {
  readonly space: string
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: XmlElement[]
  text: string
}

const token = new RegExp([
  /<!\[CDATA\[(?<cdata>.*?)\]\]>/,
  /<!--.*?-->|<\?.*?\?>|<![^>]*>/,
  /<(?<close>\/)?(?<name>[\w.-]+)(?<attributes>[^>]*?)(?<empty>\/)?>/,
  /(?<text>[^<]+)/,
].map(one => one.source).join('|'), 'gs')

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const unescape = (text: string): string => text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
  name ? named[name] ?? whole : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)))

/** Throws where the text is not the XML described above. */
export function parseElements(xml: string): XmlElement {
  const root: XmlElement = { space: '', name: '', attributes: new Map(), children: [], text: '' }
  const open = [root]
  for (const { groups = {}, 0: whole } of xml.matchAll(token)) {
    const parent = open.at(-1)!
    if (groups['cdata'] !== undefined) parent.text += groups['cdata']
    else if (groups['text'] !== undefined) parent.text += unescape(groups['text'])
    else if (groups['close']) {
      if (parent.name !== groups['name']) throw new Error(`${whole} closes ${parent.name}`)
      if (parent.children.length > 0 && parent.text.trim() !== '') throw new Error(`text beside elements in ${parent.name}`)
      open.pop()
    } else if (groups['name'] !== undefined) {
      const attributes = new Map([...groups['attributes']!.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) =>
        [key!, unescape(value!)] as const))
      const space = attributes.get('xmlns') ?? parent.space
      const element: XmlElement = { space, name: groups['name'], attributes, children: [], text: '' }
      parent.children.push(element)
      if (!groups['empty']) open.push(element)
    }
  }
  const [only, ...more] = root.children
  if (only === undefined || more.length > 0 || open.length !== 1) throw new Error('not one whole document')
  return only
}
