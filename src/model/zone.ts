/** A time zone: what its clocks show at an instant (milliseconds since 1970), in minutes ahead of UTC. */
export type Zone = {
  readonly name: string
  offset(instant: number): number
  /** Those of a year of UTC, in order, where the zone remembers them. */
  transitions?(year: number): readonly Transition[]
  /** The offset when clocks show these numerals (milliseconds as if at UTC), where no change of clocks is near; undefined else. */
  steady?(local: number): number | undefined
}

/** Clocks are changed: `at` is the first instant of the later offset. */
export type Transition = { readonly at: number; readonly from: number; readonly to: number }

/** A point of time as it is written. */
export type Time = {
  /** The instant; of a date alone, the midnight that begins it in UTC. */
  readonly at: number
  /** What is written, in milliseconds as if at UTC. */
  readonly local: number
  readonly form: 'zoned' | 'utc' | 'floating' | 'date'
  /** By whose clocks; of a floating time, those of the user. */
  readonly zone: Zone
}
