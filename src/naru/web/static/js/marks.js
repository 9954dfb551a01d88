// Texts with what was found in them, marked. Everything stays text: nothing anybody wrote can become markup.

/** Show pieces `{text, type?, action?, title?}` in `place`. */
export function showPieces(place, pieces, name = (type) => type) {
  place.replaceChildren(
    ...pieces.map((piece) => {
      if (!piece.type) return piece.text;
      const mark = document.createElement("mark");
      mark.textContent = piece.text;
      mark.className = `found act-${piece.action ?? "mask"}`;
      mark.dataset.type = piece.type;
      mark.title = [name(piece.type), piece.title].filter(Boolean).join(" · ");
      return mark;
    }),
  );
}

/** A text cut at entities whose offsets are code points. */
export function cutAt(text, entities) {
  const points = Array.from(text);
  const pieces = [];
  let at = 0;
  for (const entity of entities) {
    if (entity.start < at) continue;
    if (entity.start > at) pieces.push({ text: points.slice(at, entity.start).join("") });
    const title = `${entity.score.toFixed(2)} · ${entity.reason}`;
    pieces.push({ text: points.slice(entity.start, entity.end).join(""), type: entity.type, action: entity.action, title });
    at = entity.end;
  }
  if (at < points.length) pieces.push({ text: points.slice(at).join("") });
  return pieces;
}

/** A masked text cut at its placeholders. */
export function cutAtPlaceholders(text) {
  return text.split(/(<[A-Z][A-Z0-9_]*_\d+(?:_[a-z0-9]{1,3})?>)/).filter(Boolean).map((part) => {
    const found = /^<([A-Z][A-Z0-9_]*?)_\d+(?:_[a-z0-9]{1,3})?>$/.exec(part);
    return found ? { text: part, type: found[1], action: "mask" } : { text: part };
  });
}
