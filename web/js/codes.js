// Recovery codes are shown once: [data-codes="name.txt"] offers to keep them as a file or on paper.
for (const place of document.querySelectorAll('[data-codes]')) {
  place.hidden = false;
  place.addEventListener('click', ({ target }) => {
    const button = target.closest('button');
    if (button?.name === 'imprimir') print();
    if (button?.name === 'descargar') save(place.dataset.codes);
  });
}

function save(name) {
  const codes = [...document.querySelectorAll('.ac-codes li')].map((item) => item.textContent);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([`${codes.join('\n')}\n`], { type: 'text/plain' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
