// Keys for a thumb: the letters that codes are made of, in rows that fit the smallest phone. A keyboard types into the same field.

export function keypad(form, alphabet) {
  const field = form.elements.typed;
  const board = form.querySelector("[data-keys]");
  const erase = form.querySelector("[data-erase]");
  board.dataset.many = alphabet.length > 10;
  for (const letter of alphabet) {
    const key = document.createElement("button");
    key.type = "button";
    key.className = "key";
    key.textContent = letter;
    key.addEventListener("click", () => put(letter));
    erase.before(key);
  }
  erase.addEventListener("click", () => change(field.value.slice(0, -1)));

  function put(letter) {
    if (field.value.length < field.maxLength) change(field.value + letter);
  }
  // The cursor stays at the end, and the field in sight.
  function change(text) {
    field.value = text;
    field.scrollLeft = field.scrollWidth;
  }
}
