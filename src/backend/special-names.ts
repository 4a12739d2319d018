import type { Role } from '../model/folder.ts'

/** What mail programs call their special folders where the server does not mark them, in lower case; the better name first. */
export const specialNames: Readonly<Partial<Record<Role, readonly string[]>>> = {
  drafts: [
    'drafts', 'draft', 'entwürfe', 'brouillons', 'borradores', 'bozze', 'concepten', 'rascunhos', 'szkice', 'kopie robocze', 'wersje robocze',
    'koncepty', 'rozepsané', 'utkast', 'kladder', 'luonnokset', 'черновики', 'taslaklar', '下書き', '草稿', '草稿箱', '草稿匣', '草稿夾', 'piszkozatok',
    'чернетки', 'πρόχειρα', '임시 보관함', 'ciorne', 'esborranys', 'osnutki', 'skice', 'mustandid', 'juodraščiai', 'melnraksti', 'طيوطات', 'טיוטות',
  ],
  sent: [
    'sent', 'sent items', 'sent messages', 'sent mail', 'sent-mail', 'gesendet', 'gesendete elemente', 'gesendete objekte', 'gesendete nachrichten',
    'postausgang gesendet', 'envoyés', 'éléments envoyés', 'messages envoyés', 'courrier envoyé', 'enviados', 'elementos enviados', 'mensajes enviados',
    'correo enviado', 'inviati', 'posta inviata', 'inviata', 'elementi inviati', 'verzonden', 'verzonden items', 'verzonden berichten', 'itens enviados',
    'mensagens enviadas', 'enviadas', 'wysłane', 'elementy wysłane', 'wiadomości wysłane', 'odeslané', 'odeslaná pošta', 'odoslané', 'skickat',
    'skickade', 'skickade objekt', 'sendt', 'sendt post', 'sendte elementer', 'sendte', 'lähetetyt', 'lähetetyt viestit', 'отправленные',
    'отправленные элементы', 'gönderilmiş', 'gönderilmiş öğeler', 'gönderilenler', '送信済み', '送信済みアイテム', '送信済みメール', '已发送', '已发送邮件',
    '已傳送', '寄件備份', 'elküldött', 'elküldött elemek', 'elküldött üzenetek', 'надіслані', 'απεσταλμένα', '보낸 편지함', '보낸편지함', 'trimise', 'enviats',
    'poslano', 'saadetud', 'išsiųsti', 'nosūtītie', 'דואר שנשלח', 'المرسلة',
  ],
  trash: [
    'trash', 'deleted items', 'deleted messages', 'deleted', 'bin', 'papierkorb', 'gelöscht', 'gelöschte elemente', 'gelöschte objekte', 'corbeille',
    'éléments supprimés', 'messages supprimés', 'papelera', 'elementos eliminados', 'mensajes eliminados', 'cestino', 'posta eliminata', 'eliminati',
    'elementi eliminati', 'prullenbak', 'verwijderde items', 'verwijderde berichten', 'lixo', 'lixeira', 'itens excluídos', 'itens eliminados',
    'mensagens excluídas', 'kosz', 'elementy usunięte', 'usunięte', 'koš', 'odstraněná pošta', 'odstraněné', 'kôš', 'papperskorgen', 'borttagna objekt',
    'borttaget', 'papirkurv', 'papirkurven', 'slettet post', 'slettede elementer', 'søppel', 'roskakori', 'poistetut', 'poistetut viestit', 'корзина',
    'удаленные', 'удалённые', 'удаленные элементы', 'çöp', 'çöp kutusu', 'silinmiş öğeler', 'ゴミ箱', 'ごみ箱', '削除済みアイテム', '已删除', '已删除邮件',
    '废件箱', '垃圾桶', '刪除的郵件', '已刪除的郵件', 'kuka', 'lomtár', 'törölt elemek', 'кошик', 'κάδος απορριμμάτων', 'διαγραμμένα', '휴지통', '지운 편지함',
    'coș de gunoi', 'paperera', 'smeti', 'smeće', 'prügikast', 'šiukšliadėžė', 'atkritne', 'אשפה', 'المهملات',
  ],
  junk: [
    'junk', 'spam', 'junk e-mail', 'junk email', 'junk mail', 'bulk mail', 'bulk', 'unerwünscht', 'spamverdacht', 'junk-e-mail', 'werbung', 'pourriel',
    'pourriels', 'courrier indésirable', 'indésirables', 'correo no deseado', 'no deseado', 'posta indesiderata', 'indesiderata', 'ongewenst',
    'ongewenste e-mail', 'ongewenste reclame', 'lixo eletrônico', 'lixo electrónico', 'correio eletrónico não solicitado', 'wiadomości-śmieci', 'niechciane',
    'nevyžádaná pošta', 'nevyžádané', 'nevyžiadaná pošta', 'skräppost', 'uønsket', 'uønsket e-post', 'uønsket post', 'uønsket mail', 'søppelpost',
    'roskaposti', 'спам', 'нежелательная почта', 'önemsiz', 'önemsiz e-posta', 'istenmeyen', '迷惑メール', '垃圾邮件', '垃圾邮件箱', '垃圾郵件', 'levélszemét', 'небажана пошта',
    'ανεπιθύμητα', '정크 메일', '스팸', 'correu brossa', 'vsiljena pošta', 'neželjena pošta', 'rämpspost', 'šlamštas', 'mēstules', 'דואר זבל',
  ],
  archive: [
    'archive', 'archives', 'archiv', 'archivo', 'archivos', 'archivio', 'archief', 'arquivo', 'arquivo morto', 'archiwum', 'arkiv', 'arkisto', 'архив',
    'arşiv', 'アーカイブ', '归档', '存档', '封存', 'archívum', 'архів', 'αρχειοθήκη', '보관함', 'arhiva', 'arhiv', 'arxiu', 'arhiiv', 'archyvas', 'arhīvs',
  ],
}
