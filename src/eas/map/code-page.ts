import type { TextPiece } from '../../formats/structure.ts'

// Windows code page identifiers of the charsets that mail comes in
const pages: Readonly<Record<string, string>> = {
  'utf-8': '65001', utf8: '65001', 'utf-7': '65000', 'utf-16': '1200', 'utf-16le': '1200', 'utf-16be': '1201',
  'us-ascii': '20127', ascii: '20127', 'koi8-r': '20866', 'koi8-u': '21866', gb2312: '936', gbk: '936', gb18030: '54936', 'hz-gb-2312': '52936',
  big5: '950', 'big5-hkscs': '950', shift_jis: '932', 'shift-jis': '932', sjis: '932', 'iso-2022-jp': '50220', 'euc-jp': '51932',
  'euc-kr': '949', 'ks_c_5601-1987': '949', 'iso-2022-kr': '50225', 'tis-620': '874', macintosh: '10000',
}

/** [MS-ASEMAIL] InternetCPID: the code page the text was written in. UTF-8, in which it is sent, where nobody knows. */
export function internetCodePage([piece]: readonly TextPiece[]): string {
  const charset = (piece?.rich ?? piece?.plain)?.[0]?.parameters['charset']?.trim().toLowerCase() ?? ''
  const iso = /^(?:x-)?iso-?8859-(\d{1,2})(?:-[ie])?$/.exec(charset)
  const windows = /^(?:x-)?(?:windows-|cp)(8\d\d|125[0-8])$/.exec(charset)
  if (iso && Number(iso[1]) >= 1 && Number(iso[1]) <= 15) return String(28_590 + Number(iso[1]))
  return windows?.[1] ?? pages[charset] ?? '65001'
}
