// The wire: what goes between bot and sandbox, as it goes.

import { h } from "./dom.js";

const KEPT = 1000;
const HEARTBEATS = new Set([1, 11]);
const GOOD = 1000;
const KINDS = { 2: "command", 3: "component", 4: "autocomplete", 5: "modal" };
const ANSWERS = {
  1: "pong", 4: "a message", 5: "a deferral", 6: "a deferral", 7: "an update", 8: "suggestions", 9: "a modal",
};

export class Wire {
  /** `ask` is the connection's. */
  constructor(panel, opener, ask) {
    this.panel = panel;
    this.opener = opener;
    this.ask = ask;
    this.show = "all";
    this.list = h("ol", { class: "entries" });
    this.filter = h(
      "select",
      { "aria-label": "Show", on: { change: () => this.#filter(this.filter.value) } },
      [["all", "everything but heartbeats"], ["rest", "REST calls"], ["gateway", "gateway events"],
        ["interaction", "interactions"], ["limits", "rate limits and refusals"], ["heartbeats", "heartbeats too"]].map(
        ([value, label]) => h("option", { value }, label),
      ),
    );
    panel.replaceChildren(
      h(
        "header",
        {},
        h("h2", {}, "The wire"),
        this.filter,
        h("button", { type: "button", class: "tool", on: { click: () => this.list.replaceChildren() } }, "Clear"),
        h("button", { type: "button", class: "tool", on: { click: () => this.toggle(false) } }, "Close"),
      ),
      h("p", { class: "hint" }, "→ to the bot, ← from the bot. Press a line to see all of it."),
      this.list,
    );
    panel.addEventListener("keydown", (event) => event.key === "Escape" && this.toggle(false));
    opener.addEventListener("click", () => this.toggle(panel.hidden));
    this.#filter("all");
  }

  toggle(open) {
    this.panel.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
    document.body.classList.toggle("watching", open);
    this.watch();
    (open ? this.filter : this.opener).focus();
  }

  /** Start or stop the sandbox's reports; also after a new connection. */
  watch() {
    this.ask("watch", { on: !this.panel.hidden }).catch(() => {});
  }

  add(entries, replace) {
    if (replace) this.list.replaceChildren();
    const down = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    this.list.append(...entries.map((entry) => this.#entry(entry)).filter(Boolean));
    while (this.list.childElementCount > KEPT) this.list.firstElementChild.remove();
    if (down || replace) this.list.scrollTop = this.list.scrollHeight;
  }

  #filter(show) {
    this.list.dataset.show = show;
  }

  #entry(entry) {
    const said = line(entry);
    if (!said) return null;
    const details = h(
      "details",
      {},
      h(
        "summary",
        {},
        h("time", {}, new Date(entry.time * 1000).toISOString().slice(11, 23)),
        h("span", { class: "arrow", title: said.arrow === "→" ? "to the bot" : "from the bot" }, said.arrow),
        h("span", { class: "what" }, said.what),
        said.note && h("span", { class: "note" }, said.note),
      ),
    );
    details.addEventListener("toggle", () => details.open && details.childElementCount === 1 && this.#open(details, entry.number));
    return h("li", { class: `${said.class} ${said.bad ? "bad" : ""} ${said.beat ? "beat" : ""}` }, details);
  }

  async #open(details, number) {
    const text = h("pre", { tabindex: 0 }, "…");
    details.append(text);
    try {
      const { entry } = await this.ask("entry", { number });
      text.textContent = entry ? JSON.stringify(entry, null, 2) : "The sandbox no longer keeps this entry.";
    } catch (error) {
      text.textContent = error.message;
    }
  }
}

function line(entry) {
  if (entry.kind === "rest") {
    const limited = entry.status === 429;
    const again = entry.retry_after === null || entry.retry_after === undefined ? "" : ` again in ${entry.retry_after} s`;
    return {
      class: "rest",
      arrow: "←",
      what: `${entry.method} ${entry.path.replaceAll("webhook_", "")}`,
      note: `${entry.status} · ${entry.ms} ms${limited ? ` · rate limit:${again}` : ""}`,
      bad: entry.status >= 400,
    };
  }
  if (entry.kind === "gateway") {
    return {
      class: "gateway",
      arrow: entry.direction === "sent" ? "→" : "←",
      what: entry.name,
      note: `op ${entry.op}`,
      beat: HEARTBEATS.has(entry.op),
    };
  }
  if (entry.kind === "interaction") return interaction(entry);
  if (entry.what?.startsWith("gateway.")) {
    return { class: "gateway", arrow: "·", what: entry.what.replace(".", ": "), note: "", bad: entry.what.endsWith("disconnect") };
  }
  return null;
}

function interaction(entry) {
  const what = `${KINDS[entry.type] ?? "interaction"} ${entry.title}`;
  if (entry.what === "acknowledge") {
    const slow = entry.ms > GOOD ? " · slow: 3 s is the limit" : "";
    const note = `acknowledged after ${entry.ms} ms with ${ANSWERS[entry.answered] ?? entry.answered}${slow}`;
    return { class: "interaction", arrow: "✓", what, note };
  }
  if (entry.what === "fail") return { class: "interaction", arrow: "✗", what, note: entry.why, bad: true };
  return { class: "interaction", arrow: "→", what, note: "begins" };
}
