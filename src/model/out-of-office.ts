/** Whom an automatic reply is for: people of the same organization, and of others those in the user's contacts and those who are not. */
export const audiences = ['internal', 'known', 'unknown'] as const
export type Audience = (typeof audiences)[number]

export type ReplyText = { readonly type: 'text' | 'html'; readonly text: string }
export type Reply = { readonly enabled: boolean; readonly message?: ReplyText }

/** What is answered automatically. The texts stay while it is off. */
export type OutOfOffice = {
  readonly on: boolean
  /** Answered from `start` until before `end` only; never there where it is off. */
  readonly period?: { readonly start: Date; readonly end: Date }
  readonly replies: Readonly<Partial<Record<Audience, Reply>>>
}

export const inOffice: OutOfOffice = { on: false, replies: {} }
