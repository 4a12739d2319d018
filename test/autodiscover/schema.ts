import { expect } from 'vitest'
import type { XmlElement } from '../support/xml.ts'

/** What may stand in an element, in this order: how often at least and at most, and what is in it; no children where it is a value. */
export type Rule = { readonly name: string; readonly least?: number; readonly most?: number; readonly value?: RegExp; readonly children?: readonly Rule[] }

const url = /^https:\/\/[^\s/]+(:\d+)?\/\S+$/, some = /^\S.*$/s

const error: Rule = { name: 'Error', least: 0, children: [
  { name: 'ErrorCode', value: /^(500|501|600|601|602|603)$/ }, { name: 'Message', value: some }, { name: 'DebugData' },
] }

/** [MS-ASCMD] Autodiscover Response Schema, Autodiscover MobileSync Namespace Schema; [MS-OXDSCLI] Error. */
export const poxResponse: Rule = { name: 'Autodiscover', children: [{ name: 'Response', children: [
  error,
  { name: 'Culture', least: 0, value: /^en:us$/ },
  { name: 'User', least: 0, children: [{ name: 'DisplayName', least: 0, value: some }, { name: 'EMailAddress', value: some }] },
  { name: 'Action', least: 0, children: [
    { name: 'Redirect', least: 0, value: /^[^\s@]+@[^\s@]+$/ },
    { name: 'Settings', least: 0, children: [{ name: 'Server', most: Infinity, children: [
      { name: 'Type', value: /^MobileSync$/ }, { name: 'Url', value: url }, { name: 'Name', value: url },
    ] }] },
    { name: 'Error', least: 0, children: [{ name: 'Status', value: /^2$/ }, { name: 'Message', value: some }, { name: 'DebugData' }] },
  ] },
] }] }

const onOff = /^(on|off)$/

/** [MS-OXDSCLI] Autodiscover Response, as far as Postern has something to say. */
export const outlookResponse: Rule = { name: 'Autodiscover', children: [{ name: 'Response', children: [
  { name: 'User', least: 0, children: [{ name: 'DisplayName', value: some }, { name: 'AutoDiscoverSMTPAddress', value: /@/ }] },
  { name: 'Account', children: [
    { name: 'AccountType', value: /^email$/ }, { name: 'Action', value: /^(settings|redirectAddr|redirectUrl)$/ },
    { name: 'RedirectAddr', least: 0, value: /@/ }, { name: 'RedirectUrl', least: 0, value: url },
    { name: 'Protocol', least: 0, most: 2, children: [
      { name: 'Type', value: /^(IMAP|SMTP)$/ }, { name: 'Server', value: some }, { name: 'Port', value: /^\d+$/ }, { name: 'LoginName', value: some },
      { name: 'DomainRequired', value: onOff }, { name: 'SPA', value: onOff }, { name: 'SSL', value: onOff },
      { name: 'Encryption', value: /^(None|SSL|TLS|Auto)$/ }, { name: 'AuthRequired', value: onOff },
      { name: 'UsePOPAuth', least: 0, value: onOff }, { name: 'SMTPLast', least: 0, value: onOff },
    ] },
  ] },
] }] }

/** Fails with the place where an element is not as its rule says. */
export function checkElements(element: XmlElement, rule: Rule, path = ''): void {
  const here = `${path}/${rule.name}`
  expect(element.name, here).toBe(rule.name)
  if (!rule.children) {
    expect(element.children, here).toEqual([])
    if (rule.value) expect(element.text, here).toMatch(rule.value)
    return
  }
  const order = rule.children.map(({ name }) => name), names = element.children.map(({ name }) => name)
  expect(names.filter(name => !order.includes(name)), `${here}: what does not belong there`).toEqual([])
  expect(names, `${here}: order`).toEqual([...names].sort((a, b) => order.indexOf(a) - order.indexOf(b)))
  for (const { name, least = 1, most = 1, ...rest } of rule.children) {
    const found = element.children.filter(child => child.name === name)
    expect(found.length, `${here}/${name}: times`).toBeGreaterThanOrEqual(least)
    expect(found.length, `${here}/${name}: times`).toBeLessThanOrEqual(most)
    for (const child of found) checkElements(child, { name, ...rest }, here)
  }
}
