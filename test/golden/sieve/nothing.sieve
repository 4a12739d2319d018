# Written by Postern, which reads its settings from the lines below and makes all else from them. Changes here get lost.
# postern version 1
# postern out-of-office {"on":false,"replies":{}}

