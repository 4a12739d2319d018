import { Failure } from '../../base/failure.ts'
import { el, type Element, type Node } from '../../wire/wbxml.ts'
import type { Call, Command } from '../command.ts'
import { inline, multipart, type Carrier } from '../multipart.ts'
import { emptyAnswer, moveAnswer, readEmpty, readMove, type Emptying, type Moving } from './item-edits.ts'
import { fileAnswer, itemAnswers, readFetch, together, type FetchedFile, type FetchedItem, type Refused } from './item-fetch.ts'
import { objectAnswer, type FetchedObject } from './object-fetch.ts'
import { serverError, statuses, success } from './item-status.ts'

const mostOperations = 200

// [MS-ASCMD] ItemOperations: carried out in the given order, the answer written as it comes.
export const itemOperations: Command = {
  async run(call) {
    const operations = call.body?.children ?? []
    if (operations.length === 0 || operations.length > mostOperations) throw new Failure('malformed', 'number of operations')
    call.facts['items'] = operations.length
    // An operation that breaks the protocol refuses the request before anything is done.
    const steps = grouped(operations.map(operation => readOperation(operation, call)))
    const carrier = call.request.multipart ? multipart() : inline
    call.facts['status'] = success
    return carrier.answer(el('ItemOperations:ItemOperations', [
      el('ItemOperations:Status', success),
      el('ItemOperations:Response', answers(call, steps, carrier)),
    ]))
  },

  refuse: kind => el('ItemOperations:ItemOperations', [el('ItemOperations:Status', statuses[kind] ?? serverError)]),
}

type Single = FetchedFile | FetchedObject | Emptying | Moving | Refused
/** Items of one folder that are looked up together. */
type Step = Single | { readonly kind: 'items'; readonly items: readonly FetchedItem[] }

function readOperation(operation: Element, call: Call): FetchedItem | Single {
  switch (operation.tag) {
    case 'ItemOperations:Fetch': return readFetch(operation, call.request.version)
    case 'ItemOperations:EmptyFolderContents': return readEmpty(operation)
    case 'ItemOperations:Move': return readMove(operation, call)
    default: throw new Failure('malformed', `${operation.tag} is no operation`)
  }
}

function grouped(operations: readonly (FetchedItem | Single)[]): Step[] {
  const steps: Step[] = []
  let open: { items: FetchedItem[]; key: string } | undefined
  for (const operation of operations) {
    if (operation.kind !== 'item') {
      steps.push(operation)
      open = undefined
      continue
    }
    const key = together(operation)
    if (open?.key === key) open.items.push(operation)
    else {
      open = { items: [operation], key }
      steps.push({ kind: 'items', items: open.items })
    }
  }
  return steps
}

async function* answers(call: Call, steps: readonly Step[], carrier: Carrier): AsyncGenerator<Node> {
  for (const step of steps) {
    switch (step.kind) {
      case 'refused': yield step.answer; break
      case 'file': yield await fileAnswer(call, step, carrier); break
      case 'object': yield await objectAnswer(call, step); break
      case 'empty': yield await emptyAnswer(call, step); break
      case 'move': yield await moveAnswer(call, step); break
      case 'items': yield* itemAnswers(call, step.items, carrier)
    }
  }
}
