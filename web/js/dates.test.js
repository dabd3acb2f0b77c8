import { test } from 'node:test';
import assert from 'node:assert/strict';
import { documentNumber, read, shown, today } from './dates.js';

const NOW = Date.UTC(2026, 10, 29);

// The rows of domain/src/typed_date.rs: both read the same.
test('a day is read as people write it, as the server reads it', () => {
  const meant = {
    '29/11/2026': '29/11/2026', ' 9/1/26 ': '09/01/2026', '29-11-26': '29/11/2026', '29.11.2026': '29/11/2026', '29\\11\\2026': '29/11/2026', '29–11–2026': '29/11/2026',
    '\ufeff29\u00a011\u00a02026\t': '29/11/2026', 29112026: '29/11/2026', 291126: '29/11/2026', 2911: '29/11/2026', '29/11': '29/11/2026',
    '2026-11-29': '29/11/2026', '2026/11/29': '29/11/2026', 20261129: '29/11/2026', 20121120: '20/11/2012', '2026-11-29T10:15:00': '29/11/2026',
    '29/11/2026 0:00:00': '29/11/2026', '29/11/2026, 10:15 a. m.': '29/11/2026', '29-nov-26': '29/11/2026', '29 de noviembre de 2026': '29/11/2026',
    'domingo, 29 de Noviembre del 2026': '29/11/2026', '4 set 2026': '04/09/2026', '２９/１１/２０２６': '29/11/2026', '29/02/24': '29/02/2024',
    '31/12/95': '31/12/1995', HOY: '29/11/2026', ayer: '28/11/2026', Anteayer: '27/11/2026', mañana: '30/11/2026',
  };
  for (const [typed, day] of Object.entries(meant)) assert.equal(shown(read(typed, NOW).day), day, typed);
});

test('what is no day says why, in the words of the server', () => {
  const why = {
    '31/02/2026': '31/02/2026 no existe', 31022026: '31/02/2026 no existe', '31/2': '31/02/2026 no existe', '0/11/2026': '00/11/2026 no existe',
    '32/11/2026': '32/11/2026 no existe', '11/29/2026': '11/29/2026 no existe: primero va el día y después el mes',
    '29/11/1926': '1926 no puede ser el año: va de 1990 a 2037', '29/11/0026': '26 no puede ser el año: va de 1990 a 2037',
  };
  for (const [typed, words] of Object.entries(why)) assert.equal(read(typed, NOW).words, words, typed);
  for (const typed of ['', '29', '29/11/126', '-29/11/2026', '29/11/2026/1', '29//11/2026', '29 de brumario', 'el lunes']) {
    assert.equal(read(typed, NOW).words, 'Escriba la fecha como 29/11/2026', typed);
  }
});

test('what has happened lies not in the future', () => {
  assert.equal(read('mañana', NOW, true).words, 'La fecha 30/11/2026 está en el futuro; hoy es 29/11/2026');
  assert.equal(read('1/1/2999', NOW, true).words, '2999 no puede ser el año: va de 1990 a 2026');
  assert.equal(shown(read('hoy', NOW, true).day), '29/11/2026');
  assert.equal(shown(today(Date.UTC(2026, 10, 25, 4, 59))), '24/11/2026');
});

test('the number of a certificate is completed, and nothing else becomes one', () => {
  for (const typed of ['1-1-900', '001-001-000000900', '001001000000900', ' 1 1 900 ', '1–1–900']) assert.equal(documentNumber(typed), '001-001-000000900', typed);
  for (const typed of ['900', '1-1', '0-1-900', '1-1-0', 'x-1-9', '1-1-1234567890', '']) assert.equal(documentNumber(typed), null, typed);
});
