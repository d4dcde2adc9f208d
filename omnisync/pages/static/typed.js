// What somebody has typed, chosen or opened stays theirs when news take the place of what stood there.

const FLEETING = ["token", "version"];
const FIELDS = "input:not([type=hidden]), select, textarea";

/** What a form is and is about, in every drawing of its page. */
function formKey(form) {
  const about = [...(form?.querySelectorAll("input[type=hidden]") ?? [])].filter((one) => !FLEETING.includes(one.name));
  return [form?.getAttribute("action"), ...about.map((one) => [one.name, one.value])];
}

/** The same form in another drawing of its page. */
export function twin(form, root = document) {
  const key = JSON.stringify(formKey(form));
  return [...root.querySelectorAll("form")].find((one) => JSON.stringify(formKey(one)) === key);
}

const ticked = (field) => ["checkbox", "radio"].includes(field.type);
const fieldKey = (field) => JSON.stringify([...formKey(field.closest("form")), field.name, ticked(field) ? field.value : ""]);
const detailsKey = (one) => JSON.stringify([...formKey(one.querySelector("form")), one.querySelector("summary")?.textContent]);

/** What the server has written there. */
function written(field) {
  if (ticked(field)) return String(field.defaultChecked);
  return field.options ? ([...field.options].find((one) => one.defaultSelected) ?? field.options[0])?.value : field.defaultValue;
}

const now = (field) => (ticked(field) ? String(field.checked) : field.value);

function put(field, from) {
  if (ticked(field)) field.checked = from.checked;
  else if (field.type !== "file") field.value = from.value;
}

const byKey = (root, what, keyOf) => new Map([...root.querySelectorAll(what)].map((one) => [keyOf(one), one]));

/**
 * From what stands there to what takes its place. What the server has changed meanwhile is the server's, and what was just sent
 * (`sent`, a form) is done with. Call what it returns when the new one stands there: it leads the keyboard back into its field.
 */
export function carry(old, fresh, sent = null) {
  const isDone = (one) => Boolean(sent) && (sent.contains(one) || one.contains(sent));
  const fields = byKey(fresh, FIELDS, fieldKey);
  let back = () => {};
  for (const field of old.querySelectorAll(FIELDS)) {
    const same = fields.get(fieldKey(field));
    if (!same || isDone(field)) continue;
    if (now(field) !== written(field) && written(field) === written(same)) put(same, field);
    if (field === document.activeElement) back = () => focus(same, field.selectionStart, field.selectionEnd);
  }
  const details = byKey(fresh, "details", detailsKey);
  for (const one of old.querySelectorAll("details[open]")) {
    if (!isDone(one)) details.get(detailsKey(one))?.setAttribute("open", "");
  }
  return () => back();
}

function focus(field, from, to) {
  field.focus({ preventScroll: true });
  if (from !== null && from !== undefined) field.setSelectionRange(from, to);
}
