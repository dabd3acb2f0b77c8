import { test } from 'node:test';
import assert from 'node:assert/strict';
import { cents, readings, written } from './amounts.js';

test('a typed amount is read the way it was meant, as the server reads it', () => {
  const meant = { '1234': 123400, '1.234': 123400, '1234.5': 123450, '1,5': 150, ' 12,30 ': 1230, ',50': 50, '1.234.567,8': 123456780, '−30,00': -3000, '$ 5': 500, '': 0, '1,500.50': 150050, 'USD 35,00': 3500, '35,00.': 3500, '1.500.': 150000, '35.00 usd': 3500, 'US$ 1,234,567': 123456700, '− $ 5': -500, '1 234,5': 123450, '1\u202f234\u202f567,89\u00a0$': 123456789, "1'234.50": 123450, '\ufeff12,30\u200b': 1230 };
  for (const [typed, value] of Object.entries(meant)) assert.equal(cents(typed), value, typed);
  for (const typed of ['abc', '1,234,5', '1.23.4', '12.3456', '1,2,3', '-', '1e5', '٣', '1,234', '12 34', '1 5', 'USD', '--5', '5-', 'EUR 5', '.', '35,00..']) assert.equal(cents(typed), null, typed);
});

test('a comma before three digits is asked about', () => {
  assert.deepEqual(readings('1,500'), ['1.500,00', '1,50']);
  assert.deepEqual(readings('USD -1,500'), ['−1.500,00', '−1,50']);
  assert.deepEqual(readings('1,234'), ['1.234,00']);
  for (const clear of ['1.500', '1,50', '1500', '0,500', '', 'x']) assert.deepEqual(readings(clear), [], clear);
});

test('amounts are written as an accountant in Ecuador writes them', () => {
  const pairs = [[0, '0,00'], [5, '0,05'], [12000, '120,00'], [123456, '1.234,56'], [-3000, '−30,00'], [99999999999, '999.999.999,99']];
  for (const [value, text] of pairs) {
    assert.equal(written(value), text);
    assert.equal(cents(text), value);
  }
});
