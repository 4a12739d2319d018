import type { Failure, Kind } from '../../base/failure.ts'

/** [MS-ASCMD] Status (ItemOperations); from 105 on Common Status Codes. */
export const success = '1', protocolError = '2', serverError = '3', notFound = '6', badRange = '8', unknownStore = '9',
  badIds = '105', badAttachment = '15', denied = '16', partly = '17', moveFailed = '154', notAlways = '155', badDestination = '156'

export const statuses: Partial<Record<Kind, string>> = {
  malformed: protocolError, denied, 'not-found': notFound, stale: notFound, 'too-large': '11', unsupported: unknownStore, unavailable: serverError,
}

/** The status of one operation. What concerns the whole account is thrown on: nothing may look gone because a server is away. */
export function refusedAs(failure: Failure): string {
  if (failure.kind === 'unavailable' || failure.kind === 'auth' || failure.kind === 'busy') throw failure
  return statuses[failure.kind] ?? serverError
}
