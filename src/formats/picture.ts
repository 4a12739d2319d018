import jpeg from 'jpeg-js'
import { PNG } from 'pngjs'

/** Points in red, green, blue and opacity, row by row. */
type Points = { readonly width: number; readonly height: number; readonly data: Uint8Array; readonly turn: number }

/**
 * Points that are read of a picture, since a decoder without native code takes about 0.2 s for a million; points on the longer side of
 * a small one; qualities to try.
 */
const most = { points: 2_000_000, side: 256, qualities: [80, 60, 40, 20] }

/**
 * A picture as it is, where it has at most `limit` octets and is of a kind that all clients show (JPEG, PNG, GIF, BMP); else a small JPEG of
 * it. Undefined for what is no such picture or is too large to be made smaller. The same octets always give the same.
 */
export function smallPicture(octets: Uint8Array, limit: number): Uint8Array | undefined {
  const kind = kindOf(octets)
  if (kind === undefined) return undefined
  if (octets.length <= limit) return octets
  try {
    const points = kind === 'jpeg' ? readJpeg(octets) : kind === 'png' ? readPng(octets) : undefined
    const small = points && shrink(points)
    if (!small) return undefined
    for (const quality of most.qualities) {
      const { data } = jpeg.encode({ ...small, data: Buffer.from(small.data) }, quality)
      if (data.length <= limit) return data
    }
  } catch {
    // Both decoders throw errors of no kind of their own at octets that are no picture.
  }
  return undefined
}

const kinds = { jpeg: '\xff\xd8\xff', png: '\x89PNG\r\n\x1a\n', gif: 'GIF8', bmp: 'BM' } as const

/** Which kind of picture the first octets say it is. */
export function kindOf(octets: Uint8Array): keyof typeof kinds | undefined {
  const head = Buffer.from(octets.subarray(0, 8)).toString('latin1')
  return (Object.keys(kinds) as (keyof typeof kinds)[]).find(kind => head.startsWith(kinds[kind]))
}

function readJpeg(octets: Uint8Array): Points {
  const bounds = { maxResolutionInMP: most.points / 1e6, maxMemoryUsageInMB: 256 }
  const options = { useTArray: true, formatAsRGBA: true, tolerantDecoding: true, ...bounds } as const
  const { width, height, data, exifBuffer } = jpeg.decode(octets, options) as jpeg.UintArrRet & { exifBuffer?: ArrayBuffer | Uint8Array }
  return { width, height, data, turn: exifBuffer ? orientation(Buffer.from(exifBuffer as Uint8Array)) : 1 }
}

// PNG, IHDR: what it would unpack to is known beforehand
function readPng(octets: Uint8Array): Points | undefined {
  const file = Buffer.from(octets)
  if (file.length < 33 || file.readUInt32BE(16) * file.readUInt32BE(20) > most.points) return undefined
  const { width, height, data } = PNG.sync.read(file)
  return { width, height, data, turn: 1 }
}

/** Exif, Orientation: 1 is upright; 3, 6 and 8 are turned. */
function orientation(exif: Buffer): number {
  const start = /II\*\0|MM\0\*/.exec(exif.toString('latin1', 0, 12))?.index
  if (start === undefined) return 1
  const tiff = exif.subarray(start)
  const little = tiff.toString('latin1', 0, 2) === 'II'
  const u16 = (at: number): number => little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at)
  try {
    const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4)
    for (let entry = 0; entry < Math.min(u16(directory), 100); entry++) {
      const at = directory + 2 + 12 * entry
      if (u16(at) === 0x0112) return u16(at + 8)
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return 1
}

/** Each point is the mean of those it stands for; what is transparent becomes white. */
function shrink({ width, height, data, turn }: Points): { width: number; height: number; data: Uint8Array } | undefined {
  if (width === 0 || height === 0 || data.length < width * height * 4) return undefined
  const turned = turn >= 5 && turn <= 8
  const scale = Math.min(1, most.side / Math.max(width, height))
  const [across, down] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))]
  const out = { width: turned ? down : across, height: turned ? across : down, data: new Uint8Array(across * down * 4) }
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const [left, right] = span(x, across, width), [top, bottom] = span(y, down, height)
      const sums = [0, 0, 0]
      for (let row = top; row < bottom; row++) {
        for (let at = (row * width + left) * 4; at < (row * width + right) * 4; at += 4) {
          const opacity = data[at + 3]! / 255
          for (let colour = 0; colour < 3; colour++) sums[colour]! += data[at + colour]! * opacity + 255 * (1 - opacity)
        }
      }
      const [column, line] = place(turn, x, y, across, down)
      const at = (line * out.width + column) * 4
      const count = (right - left) * (bottom - top)
      for (let colour = 0; colour < 3; colour++) out.data[at + colour] = Math.round(sums[colour]! / count)
      out.data[at + 3] = 255
    }
  }
  return out
}

const span = (index: number, of: number, length: number): [number, number] => {
  const from = Math.floor(index * length / of)
  return [from, Math.max(from + 1, Math.floor((index + 1) * length / of))]
}

function place(turn: number, x: number, y: number, across: number, down: number): [number, number] {
  switch (turn) {
    case 2: return [across - 1 - x, y]
    case 3: return [across - 1 - x, down - 1 - y]
    case 4: return [x, down - 1 - y]
    case 5: return [y, x]
    case 6: return [down - 1 - y, x]
    case 7: return [down - 1 - y, across - 1 - x]
    case 8: return [y, across - 1 - x]
    default: return [x, y]
  }
}
