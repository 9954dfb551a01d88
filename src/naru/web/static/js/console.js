// What every page has: local times, copy buttons, `/` for search, the folding menu, the theme switch.

const two = (number) => String(number).padStart(2, "0");
const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

// ISO order in every language: it sorts, and nobody has to guess which number is the month.
const formats = {
  time: (at) => `${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(at)}`,
  exact: (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`,
};

/** Rewrite each <time> below `root` in the reader's zone; the exact UTC stays on hover. */
export function localiseTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-show]")) {
    const moment = new Date(element.dateTime);
    element.title = moment.toISOString();
    element.textContent = formats[element.dataset.show](moment);
  }
}

async function copy(button) {
  const source = button.dataset.copyFrom;
  const text = source ? document.getElementById(source).textContent : button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain http from another machine there is no clipboard: select the text, so that Ctrl+C works.
    const target = source ? document.getElementById(source) : button.previousElementSibling;
    getSelection().selectAllChildren(target);
    return;
  }
  const label = button.title;
  button.classList.add("done");
  button.title = button.dataset.done;
  button.setAttribute("aria-label", button.dataset.done);
  setTimeout(() => {
    button.classList.remove("done");
    button.title = label;
    button.setAttribute("aria-label", label);
  }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.copy !== undefined || button.dataset.copyFrom) copy(button);
  if (button.dataset.menu !== undefined) {
    const isOpen = document.getElementById("navigation").classList.toggle("open");
    button.setAttribute("aria-expanded", String(isOpen));
  }
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("[data-search]");
  if (search) {
    event.preventDefault();
    search.focus();
  }
});

// The theme changes at once; the form would do it too, with a round trip.
document.addEventListener("submit", (event) => {
  const choice = event.submitter;
  if (choice?.name !== "theme") return;
  event.preventDefault();
  document.cookie = `naru_theme=${choice.value}; path=/; max-age=31536000; samesite=strict`;
  if (choice.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice.value;
  for (const button of choice.parentElement.children) button.setAttribute("aria-pressed", String(button === choice));
  document.dispatchEvent(new Event("naru:theme"));
});

localiseTimes();
