// Phones and other clients of a real Xandikos, at random; in a file of its own, so that both servers are tried side by side.
import { holdsForObjects } from './object-run.ts'

holdsForObjects({
  name: 'Xandikos', url: house => house.xandikos.url, user: house => house.user('anna'),
  // One principal without a password, whose name is the login's local part.
  home: (_, folder) => `/anna/${folder}`,
})
