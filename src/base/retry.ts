/** Half of it to one and a half times: what many are told at the same time must not bring them back at the same time. */
export const spread = (middle: number): number => middle * (0.5 + Math.random())

/** Milliseconds before the second and the third try, about. */
const pauses = [150, 600]
/** Milliseconds. What failed after longer would only keep its user waiting for another failure. */
const quick = 2000

/** Does what changes nothing up to three times, as long as it fails quickly and `again` says that it may succeed yet. */
export async function persist<T>(work: () => Promise<T>, again: (error: unknown) => boolean): Promise<T> {
  for (const pause of pauses) {
    const begun = performance.now()
    try {
      return await work()
    } catch (error) {
      if (performance.now() - begun > quick || !again(error)) throw error
    }
    await new Promise(resolve => setTimeout(resolve, spread(pause)))
  }
  return work()
}
