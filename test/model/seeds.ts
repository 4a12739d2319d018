/** `POSTERN_SEED=5` repeats one, `POSTERN_SEEDS=100` tries that many in place of `usual`. */
export function seeds(usual: number): number[] {
  const { POSTERN_SEED: one, POSTERN_SEEDS: many } = process.env
  return one ? [Number(one)] : Array.from({ length: Number(many ?? usual) }, (_, n) => n + 1)
}
