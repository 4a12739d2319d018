/** What the server offers of what this program would use. Known once a session was open, and kept when it closes. */
export type ImapCapabilities = {
  readonly condstore: boolean
  readonly qresync: boolean
  readonly esearch: boolean
  readonly move: boolean
  readonly uidplus: boolean
  readonly listStatus: boolean
  readonly specialUse: boolean
  readonly createSpecialUse: boolean
  readonly objectId: boolean
  readonly notify: boolean
  readonly idle: boolean
  readonly unselect: boolean
  /** RFC 6203 */
  readonly fuzzy: boolean
}

/** By what the server announces and whether it has QRESYNC enabled: RFC 7162. */
export const readCapabilities = (has: (name: string) => boolean, qresync: boolean): ImapCapabilities => ({
  qresync, condstore: qresync || has('CONDSTORE'), esearch: has('ESEARCH'), move: has('MOVE'), uidplus: has('UIDPLUS'),
  listStatus: has('LIST-STATUS') && has('LIST-EXTENDED'), specialUse: has('SPECIAL-USE'), createSpecialUse: has('CREATE-SPECIAL-USE'),
  objectId: has('OBJECTID'), notify: has('NOTIFY'), idle: has('IDLE'), unselect: has('UNSELECT'), fuzzy: has('SEARCH=FUZZY'),
})
