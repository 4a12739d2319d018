# Written by Postern, which reads its settings from the lines below and makes all else from them. Changes here get lost.
# postern version 1
# postern out-of-office {"on":false,"replies":{}}
# postern filing {"conversation":"c1","messages":["1@x","2\"\\@x"],"folder":"f","path":"Projekte/Größe \"1\""}
# postern filing {"conversation":"c2","messages":["7@x"],"folder":"f","path":"INBOX.Work"}
# postern include "my \"own\""

require ["fileinto", "mailbox", "include"];
if allof (mailboxexists "Projekte/Größe \"1\"",
  header :contains ["references", "in-reply-to"] ["<1@x>", "<2\"\\@x>"]) {
  fileinto "Projekte/Größe \"1\"";
  stop;
}
if allof (mailboxexists "INBOX.Work",
  header :contains ["references", "in-reply-to"] ["<7@x>"]) {
  fileinto "INBOX.Work";
  stop;
}
include :personal :optional "my \"own\"";
