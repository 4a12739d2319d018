import { Failure } from '../base/failure.ts'

/** The value, or the expected failure, for commands that answer each of several things with a status of its own. */
export async function outcome<T>(work: Promise<T>): Promise<T | Failure> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}
