# Written by Postern, which reads its settings from the lines below and makes all else from them. Changes here get lost.
# postern version 1
# postern out-of-office {"on":true,"replies":{"internal":{"enabled":true,"message":{"type":"text","text":"At the sea."}},"unknown":{"enabled":true,"message":{"type":"html","text":"<p>Clósed</p>"}}},"period":{"start":"2026-08-03T06:00:00.000Z","end":"2026-08-17T06:00:00.500Z"}}

require ["vacation", "date", "relational", "envelope"];
if allof (not header :is "x-spam-flag" "YES",
  currentdate :zone "+0000" :value "ge" "iso8601" "2026-08-03T06:00:00",
  currentdate :zone "+0000" :value "lt" "iso8601" "2026-08-17T06:00:00",
  envelope :domain :is "from" ["postern.test", "example.org"]) {
  vacation :days 7 :addresses ["anna@postern.test", "anna.alias@postern.test"] "At the sea.";
}
if allof (not header :is "x-spam-flag" "YES",
  currentdate :zone "+0000" :value "ge" "iso8601" "2026-08-03T06:00:00",
  currentdate :zone "+0000" :value "lt" "iso8601" "2026-08-17T06:00:00",
  not envelope :domain :is "from" ["postern.test", "example.org"]) {
  vacation :days 7 :addresses ["anna@postern.test", "anna.alias@postern.test"] :mime "Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>Cl=C3=B3sed</p>";
}
