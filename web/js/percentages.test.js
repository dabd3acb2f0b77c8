import { test } from 'node:test';
import assert from 'node:assert/strict';
import { percentage } from './percentages.js';

// The rows of domain/src/payment/withholding.rs: both read the same.
test('a tax names its percentage, as the server reads it', () => {
  const usual = ['IR 1,75 % · bienes', 'IR 2,75 % · servicios', 'IR 10 % · honorarios', 'IVA 10 % · bienes', 'IVA 30 % · bienes', 'IVA 70 % · servicios'];
  const meant = {
    'IR 1,75 % · bienes': 175, 'IVA 30%': 3000, 'IR 2.75 %': 275, 'IR 2 ％': 200, 'IR ２ %': 200, 'IR 2.000 %': 200, 'IR 1,7500 %': 175, 'IR 2 por ciento': 200,
    'IVA 30': 3000, 'Fuente 1,75': 175, 'retención 10': 1000, 'ret. renta 2.75.': 275,
    'IR 1,755 %': null, IR: null, 'IR %': null, 'IR 1.2.3 %': null, 'IR 0 %': null, 'IR 101 %': null, 312: null, 'IR 30': null, 'IVA 30 70': null, '': null,
  };
  for (const [tax, hundredths] of Object.entries(meant)) assert.equal(percentage(tax, usual), hundredths, tax);
});
