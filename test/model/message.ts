/** One in five has alternatives, so that bodies are chosen and not only read. */
export function message(subject: string, number: number): Buffer {
  const head = `From: Berta <berta@corpus.test>\r\nTo: anna@postern.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@model.test>\r\n`
    + 'Date: Mon, 01 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n'
  if (number % 5) return Buffer.from(`${head}\r\nThis is ${subject}.\r\n`)
  const part = (type: string, text: string): string => `--b\r\nContent-Type: ${type}; charset=utf-8\r\n\r\n${text}\r\n`
  return Buffer.from(`${head}Content-Type: multipart/alternative; boundary=b\r\n\r\n`
    + `${part('text/plain', `Das ist ${subject}, ä.`)}${part('text/html', `<p>Das ist <b>${subject}</b></p>`)}--b--\r\n`)
}
