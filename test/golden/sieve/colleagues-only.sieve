# Written by Postern, which reads its settings from the lines below and makes all else from them. Changes here get lost.
# postern version 1
# postern out-of-office {"on":true,"replies":{"internal":{"enabled":true,"message":{"type":"text","text":"At the sea."}}}}

require ["vacation", "envelope"];
if allof (not header :is "x-spam-flag" "YES",
  envelope :domain :is "from" ["postern.test", "example.org"]) {
  vacation :days 7 :addresses ["anna@postern.test", "anna.alias@postern.test"] "At the sea.";
}
