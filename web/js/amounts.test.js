import { test } from 'node:test';
import assert from 'node:assert/strict';
import { cents, written } from './amounts.js';

test('a typed amount is read the way it was meant, as the server reads it', () => {
  const meant = { '1234': 123400, '1.234': 123400, '1234.5': 123450, '1,5': 150, ' 12,30 ': 1230, ',50': 50, '1.234.567,8': 123456780, '−30,00': -3000, '$ 5': 500, '': 0 };
  for (const [typed, value] of Object.entries(meant)) assert.equal(cents(typed), value, typed);
  for (const typed of ['abc', '1,234,5', '1.23.4', '12.3456', '1,2,3', '-', '1e5', '٣', '1,234']) assert.equal(cents(typed), null, typed);
});

test('amounts are written as an accountant in Ecuador writes them', () => {
  const pairs = [[0, '0,00'], [5, '0,05'], [12000, '120,00'], [123456, '1.234,56'], [-3000, '−30,00'], [99999999999, '999.999.999,99']];
  for (const [value, text] of pairs) {
    assert.equal(written(value), text);
    assert.equal(cents(text), value);
  }
});
