// The promise of the sync key: no loss, nothing twice, no refused key.
import { tryOut } from './variant.ts'

tryOut([
  { name: 'plain names, one Postern', instances: 1, steps: 2000, seeds: 2 },
  {
    name: 'names below INBOX., two Posterns by turns', dovecot: { layout: 'inbox-prefix', storage: 'maildir' },
    instances: 2, steps: 2000, seeds: 2,
  },
])
