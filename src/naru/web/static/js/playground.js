// A streaming chat with any model: what was typed, what left and what came back, side by side. The conversation
// lives here and nowhere else.

import { showPieces } from "./marks.js";
import { readEvents } from "./sse.js";

const root = document.querySelector("[data-playground]");
if (root) start(root);

function start(root) {
  const turns = root.querySelector("[data-turns]");
  const ask = root.querySelector("[data-ask]");
  const settings = root.querySelector("[data-settings]");
  const send = root.querySelector("[data-send]");
  const stop = root.querySelector("[data-stop]");
  const clear = document.querySelector("[data-clear]");
  const words = document.querySelector("[data-words]").dataset;
  const box = ask.elements.ask;
  const types = JSON.parse(words.types);
  const kinds = JSON.parse(words.kinds);
  const refusals = JSON.parse(words.refusals);
  const nameType = (type) => types[type] ?? type;
  let messages = [];
  let running = null;
  if (matchMedia("(max-width: 1040px)").matches) settings.querySelector("[data-more]").open = false;

  ask.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text || running) return;
    box.value = "";
    answer(text);
  });
  box.addEventListener("keydown", (event) => {
    // While an input method composes a syllable, Enter belongs to it.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      ask.requestSubmit();
    }
  });
  stop.addEventListener("click", () => running?.abort());
  clear.addEventListener("click", () => {
    running?.abort();
    messages = [];
    for (const exchange of turns.querySelectorAll(".exchange")) exchange.remove();
    root.querySelector("[data-hint]").hidden = false;
    clear.hidden = true;
    box.focus();
  });

  function addExchange() {
    const exchange = document.querySelector("template[data-exchange]").content.firstElementChild.cloneNode(true);
    turns.append(exchange);
    return { typed: exchange.querySelector(".user"), left: exchange.querySelector(".left"), turn: exchange.querySelector(".assistant") };
  }

  function keepInSight() {
    if (turns.scrollHeight - turns.scrollTop - turns.clientHeight < 160) turns.scrollTop = turns.scrollHeight;
  }

  function conversation() {
    const system = settings.elements.system.value.trim();
    return [...(system ? [{ role: "system", content: system }] : []), ...messages];
  }

  function body() {
    const { model, temperature, max_tokens: maxTokens } = settings.elements;
    const request = { model: model.value, messages: conversation(), stream: true, stream_options: { include_usage: true } };
    if (temperature.value !== "") request.temperature = Number(temperature.value);
    if (maxTokens.value !== "") request.max_tokens = Number(maxTokens.value);
    return request;
  }

  async function answer(text) {
    root.querySelector("[data-hint]").hidden = true;
    clear.hidden = false;
    const { typed, left, turn } = addExchange();
    typed.querySelector(".text").textContent = text;
    messages.push({ role: "user", content: text });
    const asked = { model: settings.elements.model.value, unit: settings.elements.unit.value || null, messages: conversation() };
    turn.classList.add("waiting");
    turn.querySelector("h3").textContent = settings.elements.model.value;
    turns.scrollTop = turns.scrollHeight;
    running = new AbortController();
    send.hidden = true;
    stop.hidden = false;
    const result = { text: "", usage: null, finish: null, requestId: null, firstMs: null, startedAt: performance.now(), note: null };
    const beside = showSeen({ typed, left, turn }, asked, null);
    try {
      await stream(turn, result, running.signal);
    } catch (error) {
      if (error.name === "AbortError") result.note = words.stopped;
      else fail(turn, error);
      result.code = error.code;
    } finally {
      running = null;
      send.hidden = false;
      stop.hidden = true;
      turn.classList.remove("waiting", "streaming");
      // A refused question must not be sent again with the next one.
      if (result.text) messages.push({ role: "assistant", content: result.text });
      else messages.pop();
      result.totalMs = performance.now() - result.startedAt;
      // Once more, now that it is known where it went and what came back.
      await beside;
      await showSeen({ typed, left, turn }, { ...asked, site: result.site }, result);
      await meter(turn, result);
      keepInSight();
    }
  }

  const asUnit = () => (settings.elements.unit.value ? { "x-naru-console-unit": settings.elements.unit.value } : {});

  /** Ask what of the conversation leaves, and mark it. Of an answer also what the provider sent. */
  async function showSeen({ typed, left, turn }, asked, result) {
    const place = left.querySelector(".text");
    const answer = result?.text || null;
    let seen;
    try {
      const response = await fetch("/playground/seen", {
        method: "POST", headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify({ ...asked, answer }),
      });
      seen = await response.json();
      if (!response.ok) throw known(seen.detail, seen.code);
    } catch (error) {
      fail(left, error);
      return;
    }
    left.querySelector("[role=alert]").hidden = true;
    showPieces(typed.querySelector(".text"), seen.turns.at(-1), nameType);
    const why = { block: words.block, keep_inside: words.keepInside }[seen.stopped] ?? (result?.code === "blocked_by_guard" && !result.text ? words.guarded : null);
    left.classList.toggle("nothing", Boolean(why) || !seen.count);
    const whole = left.querySelector(".whole");
    if (why) {
      place.replaceChildren(why);
      whole.hidden = true;
    } else {
      const plain = !seen.is_enabled ? words.off : seen.is_inside ? words.inside : words.nothing;
      if (seen.count) showPieces(place, seen.left.at(-1).pieces, nameType);
      else place.replaceChildren(plain);
      whole.hidden = !seen.count;
      whole.lastElementChild.replaceChildren(...(seen.count ? seen.left : []).map(({ role, pieces }) => {
        const message = Object.assign(document.createElement("div"), { className: "marked" });
        showPieces(message, pieces, nameType);
        const head = Object.assign(document.createElement("h4"), { textContent: role });
        const both = document.createElement("section");
        both.append(head, message);
        return both;
      }));
    }
    if (!seen.answer?.some((piece) => piece.type)) return;
    if (!turn.querySelector(".text pre")) showPieces(turn.querySelector(".text"), seen.answer, nameType);
    const came = turn.querySelector(".came");
    showPieces(came.lastElementChild, seen.came, nameType);
    came.hidden = false;
    came.open = true;
  }

  /** `injection=0.93, url=0.60` in the reader's words. */
  function showVerdicts(turn, header) {
    if (!header) return;
    const told = header.split(",").map((part) => {
      const [kind, score] = part.trim().split("=");
      return `${kinds[kind] ?? kind} ${score}`;
    });
    const place = turn.querySelector(".verdicts");
    place.textContent = fill(words.guard, { verdicts: told.join(", ") });
    place.hidden = false;
  }

  async function stream(turn, result, signal) {
    const response = await fetch("/console/v1/chat/completions", {
      method: "POST", headers: { "content-type": "application/json", accept: "text/event-stream", ...asUnit() },
      body: JSON.stringify(body()), signal,
    });
    result.masked = response.headers.get("x-naru-masked");
    showVerdicts(turn, response.headers.get("x-naru-guard"));
    result.requestId = response.headers.get("x-naru-request-id");
    result.provider = response.headers.get("x-naru-provider");
    result.site = response.headers.get("x-naru-site");
    const model = response.headers.get("x-naru-model");
    if (model) turn.querySelector("h3").textContent = [model, result.provider, result.site].filter(Boolean).join(" · ");
    if (!response.ok) throw await refusal(response, words);
    const target = turn.querySelector(".text");
    const thinking = turn.querySelector(".thinking");
    let isEnded = false;
    for await (const data of readEvents(response.body)) {
      if (data === "[DONE]") {
        isEnded = true;
        break;
      }
      const chunk = JSON.parse(data);
      if (chunk.error) throw known(chunk.error.message, chunk.error.code);
      if (chunk.usage) result.usage = chunk.usage;
      const choice = chunk.choices?.[0];
      if (!choice) continue;
      if (choice.finish_reason) result.finish = choice.finish_reason;
      const thought = choice.delta?.reasoning_content ?? choice.delta?.reasoning;
      if (thought) {
        thinking.hidden = false;
        thinking.lastElementChild.textContent += thought;
      }
      const piece = choice.delta?.content ?? choice.delta?.refusal;
      if (piece || thought) {
        result.firstMs ??= performance.now() - result.startedAt;
        turn.classList.replace("waiting", "streaming");
      }
      if (piece) {
        result.text += piece;
        target.append(piece);
      }
      keepInSight();
    }
    if (!isEnded) throw known(words.cut);
    if (result.text.includes("```")) setFenced(target, result.text);
  }

  function fail(turn, error) {
    const place = turn.querySelector("[role=alert]");
    place.textContent = error.isAnswer ? refusals[error.code] ?? error.message : words.network;
    place.title = error.isAnswer ? error.message : "";
    place.hidden = false;
  }

  /** Tokens, times and money under the answer; money is the ledger's, which has it a moment after the end. */
  async function meter(turn, result) {
    const place = turn.querySelector(".meter");
    const parts = [];
    if (result.note) parts.push(result.note);
    if (result.finish && result.finish !== "stop") parts.push(result.finish);
    if (result.usage) parts.push(fill(words.tokens, { input: result.usage.prompt_tokens, output: result.usage.completion_tokens }));
    if (result.firstMs !== null) parts.push(fill(words.first, { time: duration(result.firstMs) }));
    parts.push(fill(words.total, { time: duration(result.totalMs) }));
    if (result.masked > 0) parts.push(fill(words.masked, { count: result.masked }));
    place.textContent = parts.join(" · ");
    if (!result.requestId) return;
    const call = await findCall(result.requestId);
    if (!call) return;
    const money = { unpriced: words.unpriced, unknown: words.unknown, none: "$0" }[call.cost.state] ?? `$${call.cost.usd}`;
    place.append(` · ${money}${call.cost.state === "estimated" ? ` (${words.estimated})` : ""} · `);
    const link = document.createElement("a");
    link.href = `/requests/${call.id}`;
    link.textContent = words.call;
    place.append(link);
  }
}

/** The ledger writes in batches: the call appears within a second. Asked for in a list, because a 404 for a call
 *  that is not there yet would stand as an error in the browser's console. */
async function findCall(id) {
  for (const waitMs of [150, 300, 600, 1200]) {
    await new Promise((later) => setTimeout(later, waitMs));
    const page = await fetch("/api/calls?limit=20").then((response) => (response.ok ? response.json() : null), () => null);
    const call = page?.calls.find((entry) => entry.id === id);
    if (call) return call;
  }
  return null;
}

function known(message, code) {
  return Object.assign(new Error(message), { isAnswer: true, code });
}

async function refusal(response, words) {
  const text = await response.text();
  if (response.status === 401) return known(words.signedOut);
  try {
    const answer = JSON.parse(text);
    return known(answer.error?.message ?? answer.detail ?? `HTTP ${response.status}`, answer.error?.code);
  } catch {
    return known(`HTTP ${response.status}`);
  }
}

const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const duration = (ms) => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`);

/** Fenced code in boxes; everything stays text, so nothing a model writes can become markup. */
function setFenced(target, text) {
  target.replaceChildren();
  text.split(/```[^\n`]*\n?/).forEach((part, index) => {
    if (index % 2 === 0) {
      target.append(part.replace(/^\n+|\n+$/g, "")); // the box brings its own space
      return;
    }
    const block = document.createElement("pre");
    block.append(Object.assign(document.createElement("code"), { textContent: part.replace(/\n$/, "") }));
    target.append(block);
  });
}
