/** Seconds of processor time that some work takes: how long it is waited for is the machine's affair, how much there is to do is ours. */
export function effort(work: () => unknown): number {
  const begun = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1_000_000
}
