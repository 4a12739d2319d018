import jpeg from 'jpeg-js'
import { PNG } from 'pngjs'
import { expect, it } from 'vitest'
import { smallPicture } from '../../src/formats/picture.ts'
import { mutations, randomBelow } from '../support/fuzz.ts'

const limit = 36 * 1024

/** Left half red, right half blue, with noise that does not compress. */
function points(width: number, height: number, noise = 40): { width: number; height: number; data: Buffer } {
  const below = randomBelow(74)
  const data = Buffer.alloc(width * height * 4, 255)
  for (let at = 0; at < data.length; at += 4) {
    const left = at / 4 % width < width / 2
    data[at] = left ? 255 - below(noise) : below(noise)
    data[at + 1] = below(noise)
    data[at + 2] = left ? below(noise) : 255 - below(noise)
  }
  return { width, height, data }
}

const jpegOf = (width: number, height: number, noise?: number): Buffer => jpeg.encode(points(width, height, noise), 95).data as Buffer
const pngOf = ({ width, height, data }: ReturnType<typeof points>): Buffer => {
  const png = new PNG({ width, height })
  data.copy(png.data)
  return PNG.sync.write(png)
}
const colour = (picture: Uint8Array, x: number, y: number): string => {
  const { width, height, data } = jpeg.decode(picture)
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 4
  return data[at]! > 180 && data[at + 2]! < 80 ? 'red' : data[at + 2]! > 180 && data[at]! < 80 ? 'blue' : 'other'
}

it('what is small stays as it is', () => {
  const picture = jpegOf(20, 20)
  expect(smallPicture(picture, limit)).toBe(picture)
})

it.each([
  ['JPEG', jpegOf(800, 400)], ['PNG', pngOf(points(800, 400))],
])('a large %s becomes a JPEG of 256 points, and looks the same', (_, picture) => {
  expect(picture.length).toBeGreaterThan(limit)
  const small = smallPicture(picture, limit)!
  expect(small.length).toBeLessThanOrEqual(limit)
  expect(jpeg.decode(small)).toMatchObject({ width: 256, height: 128 })
  expect([colour(small, 0.2, 0.5), colour(small, 0.8, 0.5)]).toEqual(['red', 'blue'])
  expect(Buffer.from(smallPicture(picture, limit)!).equals(small)).toBe(true)
})

it('even noise becomes small enough', () => {
  expect(smallPicture(jpegOf(900, 900, 255), limit)!.length).toBeLessThanOrEqual(limit)
})

// Exif, Orientation, in a file of either byte order
const turned = (picture: Buffer, orientation: number, little: boolean): Buffer => {
  const tiff = little
    ? `II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0${String.fromCharCode(orientation)}\0\0\0\0\0\0\0`
    : `MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0${String.fromCharCode(orientation)}\0\0\0\0\0\0`
  const exif = Buffer.from(`Exif\0\0${tiff}`, 'latin1')
  return Buffer.concat([picture.subarray(0, 2), Buffer.from([0xff, 0xe1, 0, exif.length + 2]), exif, picture.subarray(2)])
}

it.each([
  [1, true, [256, 128], 'red', 'blue', 'red'], [2, false, [256, 128], 'blue', 'red', 'blue'], [3, true, [256, 128], 'blue', 'red', 'blue'],
  [6, false, [128, 256], 'red', 'red', 'blue'], [8, true, [128, 256], 'blue', 'blue', 'red'], [5, true, [128, 256], 'red', 'red', 'blue'],
] as const)('orientation %d is kept', (orientation, little, size, leftTop, rightTop, leftBottom) => {
  const small = smallPicture(turned(jpegOf(800, 400), orientation, little), limit)!
  const { width, height } = jpeg.decode(small)
  expect([width, height]).toEqual(size)
  expect([colour(small, 0.2, 0.2), colour(small, 0.8, 0.2), colour(small, 0.2, 0.8)]).toEqual([leftTop, rightTop, leftBottom])
})

it('what is transparent becomes white', () => {
  const picture = points(300, 300, 255)
  for (let at = 3; at < picture.data.length; at += 4) picture.data[at] = 0
  const { data } = jpeg.decode(smallPicture(pngOf(picture), limit)!)
  expect(data.reduce((least, one) => Math.min(least, one), 255)).toBeGreaterThan(250)
})

it.each([
  ['nothing', Buffer.alloc(0)], ['HEIC', Buffer.from('\0\0\0\x18ftypheic', 'latin1')], ['text', Buffer.from('hello')],
  ['a JPEG of more points than are read', jpegOf(1500, 1500, 255)], ['a broken JPEG', Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(50_000, 7)])],
  ['a PNG that says it is huge', Buffer.concat([pngOf(points(9, 9)).subarray(0, 16), Buffer.from([0, 1, 0, 0, 0, 1, 0, 0]), Buffer.alloc(50_000, 7)])],
])('%s is no picture to be shown', (_, octets) => {
  expect(smallPicture(octets, limit)).toBeUndefined()
})

it('mutations never throw', () => {
  const samples = [jpegOf(30, 30), pngOf(points(30, 30))]
  for (const octets of mutations(samples, 200, 74)) expect([undefined, 'object']).toContain(smallPicture(octets, 700) && 'object')
})
