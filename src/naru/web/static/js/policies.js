// The try-it box beside a policy: it tries what the form says now, saved or not. And files of terms.

import { cutAt, cutAtPlaceholders, showPieces } from "./marks.js";

const form = document.querySelector("form[data-policy]");
const box = document.querySelector("[data-try]");
if (box) start(box);
for (const upload of document.querySelectorAll("[data-dictionary]")) prepare(upload);

/** The form as the API takes a draft; null where it cannot be changed. */
function readDraft() {
  if (!form?.querySelector("select")) return null;
  const rules = { actions: {}, guard: {} };
  for (const { name, value } of form.querySelectorAll("select")) {
    const [kind, key] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
    if (name === "consent") rules.capture_consent = value ? value === "yes" : null;
    else if (kind === "said") {
      const named = form.elements[`list.${key}`].value.split(",").map((part) => part.trim()).filter(Boolean);
      rules[key] = value || named.length ? named : null;
    } else if (value && kind === "action") rules.actions[key] = value;
    else if (value && kind === "guard") rules.guard[key] = value;
  }
  return rules;
}

function start(box) {
  const text = box.querySelector("textarea");
  const words = box.querySelector("[data-try-words]").dataset;
  const types = JSON.parse(words.types);
  const actions = JSON.parse(words.actions);
  const result = box.querySelector("[data-result]");
  const failure = box.querySelector("[data-failure]");
  const name = (type) => types[type] ?? type;
  let waiting = 0;
  let newest = 0;

  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 250);
  };
  text.addEventListener("input", later);
  form?.addEventListener("input", () => {
    const note = form.querySelector("[data-changed]");
    if (note) note.hidden = false;
    later();
  });
  box.querySelector("[data-example]").addEventListener("click", (event) => {
    text.value = event.target.dataset.example;
    look();
  });
  if (text.value) look(); // a browser keeps what was typed over a reload

  async function look() {
    const mine = ++newest;
    const typed = text.value;
    failure.hidden = true;
    if (!typed.trim()) {
      result.hidden = true;
      return;
    }
    const { kind, id, route, site } = box.dataset;
    const body = { text: typed, kind, id, route: route || null, site: site || null, rules: readDraft() };
    let found;
    try {
      const answer = await fetch("/api/policies/try", {
        method: "POST", headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify(body),
      });
      found = await answer.json();
      if (!answer.ok) throw Object.assign(new Error(found.detail), { isAnswer: true });
    } catch (error) {
      if (mine !== newest) return;
      result.hidden = true;
      failure.textContent = error.isAnswer ? error.message : words.network;
      failure.hidden = false;
      return;
    }
    if (mine === newest) show(typed, found);
  }

  function show(typed, found) {
    const verdict = box.querySelector("[data-verdict]");
    verdict.textContent = !found.enabled ? words.off : found.entities.length ? words[found.action] : words.nothing;
    verdict.className = `try-verdict act-${found.entities.length ? found.action : "allow"}`;
    showPieces(box.querySelector("[data-typed]"), cutAt(typed, found.entities), name);
    const left = box.querySelector("[data-left]");
    if (found.action === "block") left.replaceChildren(words.block);
    else if (found.action === "keep_inside") showPieces(left, cutAtPlaceholders(found.masked), name);
    else showPieces(left, cutAtPlaceholders(found.masked), name);
    left.classList.toggle("quiet", found.action === "block");
    box.querySelector("[data-findings]").replaceChildren(...found.entities.slice(0, 200).map(line));
    result.hidden = false;
  }

  function line(entity) {
    const item = document.createElement("li");
    const chip = Object.assign(document.createElement("span"), { className: `act act-${entity.action}`, textContent: actions[entity.action] });
    const type = Object.assign(document.createElement("strong"), { textContent: name(entity.type) });
    const why = Object.assign(document.createElement("small"), { className: "quiet", textContent: `${entity.score.toFixed(2)} · ${entity.reason}` });
    item.append(type, " ", chip, " ", why);
    return item;
  }
}

/** Terms go to the API as they are, however many: the form alone would take a few thousand. */
function prepare(upload) {
  const failure = upload.querySelector("[data-failure]");
  upload.addEventListener("submit", async (event) => {
    event.preventDefault();
    failure.hidden = true;
    const file = upload.querySelector("[data-file]").files[0];
    const button = upload.querySelector("button");
    button.disabled = true;
    try {
      const name = encodeURIComponent(upload.elements.name.value.trim());
      const answer = await fetch(`${upload.dataset.dictionary}${name}/file`, {
        method: "PUT", headers: { "content-type": "text/plain", accept: "application/json" }, body: file ?? upload.elements.terms.value,
      });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      location.assign(`${location.pathname}?done=words#words`);
    } catch (error) {
      failure.textContent = error.message;
      failure.hidden = false;
      button.disabled = false;
    }
  });
}
