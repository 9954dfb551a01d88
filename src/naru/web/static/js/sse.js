// Server-sent events from a fetch body: EventSource cannot POST.

/** The data of each event, however the bytes were cut on the way. */
export async function* readEvents(body) {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    rest += text;
    let cut;
    while ((cut = rest.match(/\r?\n\r?\n/))) {
      const event = rest.slice(0, cut.index);
      rest = rest.slice(cut.index + cut[0].length);
      const data = event.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).replace(/^ /, ""));
      if (data.length) yield data.join("\n");
    }
  }
}
