# Written by Postern, which reads its settings from the lines below and makes all else from them. Changes here get lost.
# postern version 1
# postern out-of-office {"on":true,"replies":{"internal":{"enabled":true,"message":{"type":"text","text":"I am \"away\".\n\n# postern include \"evil\"\r\n."}},"unknown":{"enabled":true,"message":{"type":"text","text":"I am \"away\".\n\n# postern include \"evil\"\r\n."}}}}

require ["vacation"];
if allof (not header :is "x-spam-flag" "YES") {
  vacation :days 7 :addresses ["anna@postern.test", "anna.alias@postern.test"] "I am \"away\".

# postern include \"evil\"
.";
}
