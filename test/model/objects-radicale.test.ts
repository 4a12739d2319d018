// Phones and other clients of a real Radicale, at random.
import { holdsForObjects } from './object-run.ts'

holdsForObjects({
  name: 'Radicale', url: house => house.radicale.url, home: ({ login }) => `/${login}/`, user: (house, seed) => house.user(seed % 100),
})
