// One message of the feed. Parts that an edit leaves alone keep their elements, and with them focus and selection.

import { actions } from "./actions.js";
import { components } from "./components.js";
import { avatar, clock, h, isOwn, link, safeUrl, size } from "./dom.js";
import { embed } from "./embed.js";
import { markdown } from "./markdown.js";

const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const REPLY = 19;
/** Milliseconds after which an edited text is taken to be complete. */
const REST = 2500;
/** The flag of messages that are made of components alone. */
const LAYOUT = 1 << 15;

export class Message {
  /**
   * `page` is the place the message stands in: `names`, `local`, `press`, `select`, `commands`, `use`,
   * `offered`, `enlarge`, `complain`, `dismiss`, `messages`.
   */
  constructor(page) {
    this.page = page;
    this.busy = new Set();
    this.failure = "";
    this.parts = ["actions", "used", "head", "content", "embeds", "files", "components", "foot"];
    this.drawn = {};
    this.slots = Object.fromEntries(this.parts.map((name) => [name, h("div", { class: name })]));
    this.element = h("li", { class: "message" }, this.parts.map((name) => this.slots[name]));
  }

  update(data) {
    const known = this.data;
    this.data = data;
    this.element.id = `message-${data.id}`;
    this.element.classList.toggle("ephemeral", Boolean(data.ephemeral));
    this.element.setAttribute("aria-busy", String(Boolean(data.thinking && !data.failed)));
    // Files stand where an embed or a layout has them, others below.
    const shown = new Set(data.embeds.flatMap((one) => [one.image?.url, one.thumbnail?.url]));
    const files = data.flags & LAYOUT ? [] : data.attachments.filter((file) => !shown.has(file.url));
    this.#draw("used", [data.interaction, data.type === REPLY && data.message_reference], () => this.#used());
    this.#draw("actions", data.id, () => actions(() => this.data, this.page));
    this.#draw("head", [data.author, data.timestamp], () => this.#head());
    const text = [data.content, data.thinking, data.failed, data.edited_timestamp, data.mention_everyone];
    this.#draw("content", text, () => this.#content());
    this.#settle(known);
    this.#draw("embeds", data.embeds, () =>
      data.embeds.map((one) => embed(one, this.page.names, (media, what) => this.#picture(media, what))),
    );
    this.#draw("files", files, () => files.map((file) => this.#file(file)));
    this.#draw("components", data.components, () => components(data.components, this.#hands()));
    this.state();
  }

  /** What the member's own presses came to: which components are busy, and whether the last one failed. */
  state() {
    for (const part of this.slots.components.querySelectorAll("[data-component]")) {
      const busy = this.busy.has(part.dataset.component);
      part.setAttribute("aria-busy", String(busy));
      part.classList.toggle("busy", busy);
    }
    this.#draw("foot", [this.failure, this.data.ephemeral], () => this.#foot());
  }

  /** A text that streams is read out once it has stopped changing, not after every edit. */
  #settle(known) {
    if (!known || known.content === this.data.content) return;
    clearTimeout(this.rest);
    this.slots.content.setAttribute("aria-busy", "true");
    this.rest = setTimeout(() => this.slots.content.setAttribute("aria-busy", "false"), REST);
  }

  #draw(part, on, make) {
    const key = JSON.stringify(on);
    if (this.drawn[part] === key) return;
    this.drawn[part] = key;
    const slot = this.slots[part];
    const left = blocks(slot).map((block) => ({ top: block.scrollTop, focused: block === document.activeElement }));
    slot.replaceChildren(...[make()].flat().filter(Boolean));
    // A reader inside a block of code keeps their place while text streams.
    blocks(slot).forEach((block, index) => {
      block.scrollTop = left[index]?.top ?? 0;
      if (left[index]?.focused) block.focus({ preventScroll: true });
    });
  }

  #used() {
    const { interaction, interaction_metadata: metadata, message_reference: reference } = this.data;
    const target = this.data.type === REPLY && this.page.messages.get(reference?.message_id);
    if (!target) return interaction ? used(interaction.user.global_name ?? interaction.user.username, interaction.name, metadata.command_type) : null;
    const text = target.data.content || target.data.embeds[0]?.title || "an answer";
    const plain = markdown(text, this.page.names).map((node) => node.textContent).join(" ").replace(/\s+/g, " ");
    return h("p", {}, "↪ ", h("b", {}, this.page.names.user(target.data.author.id)), " ", [...plain].slice(0, 80).join(""));
  }

  #head() {
    const { author, timestamp } = this.data;
    const name = author.global_name ?? this.page.names.user(author.id);
    return [
      avatar(name),
      h("b", { class: "name" }, name),
      author.bot && h("span", { class: "tag" }, "APP"),
      h("time", { datetime: timestamp, title: new Date(timestamp).toLocaleString() }, clock(new Date(timestamp))),
    ];
  }

  #content() {
    const { content, thinking, failed, edited_timestamp: edited } = this.data;
    if (failed) return failure(failed);
    if (thinking) return h("p", { class: "thinking" }, dots(), `${this.page.names.user(this.data.author.id)} is thinking…`);
    const nodes = content ? markdown(content, this.page.names, { everyone: this.data.mention_everyone }) : [];
    if (edited && content) {
      const note = h("small", { class: "edited", title: new Date(edited).toLocaleString() }, "(edited)");
      const last = nodes.at(-1);
      if (["P", "SMALL"].includes(last.tagName)) last.append(" ", note);
      else nodes.push(note);
    }
    return nodes;
  }

  #picture(media, what) {
    const safe = safeUrl(this.page.local(media.url));
    if (!safe) return null;
    // An embed does not say what its picture shows; the file that it took it from does.
    const file = this.data.attachments.find((one) => one.url === media.url);
    const alt = media.description ?? file?.description ?? what;
    // A picture from elsewhere would tell that place who looks at it.
    if (!isOwn(safe)) return h("p", { class: "elsewhere" }, link(safe, `${alt}: ${safe}`));
    const { width, height } = media;
    return h(
      "button",
      { type: "button", class: "picture", "aria-haspopup": "dialog", on: { click: () => this.page.enlarge(safe, alt) } },
      h("img", { src: safe, alt, width, height, loading: "lazy" }),
    );
  }

  #file(file) {
    if (SHOWN.has(file.content_type)) return this.#picture(file, file.description ?? file.filename);
    const url = this.page.local(file.url);
    return h("p", { class: "file" }, "📎 ", link(url, file.filename), h("small", {}, ` ${size(file.size)}`));
  }

  #foot() {
    return [
      this.failure && failure(this.failure),
      this.data.ephemeral &&
        h(
          "p",
          { class: "private" },
          "👁 Only you can see this • ",
          h("button", { type: "button", class: "plain", on: { click: () => this.page.dismiss(this.data.id) } }, "Dismiss message"),
        ),
    ];
  }

  #hands() {
    const { id } = this.data;
    // Further presses do not count while the bot has not answered.
    const once = (act) => (component, ...values) => this.busy.has(component) || act(id, component, ...values);
    return {
      names: this.page.names,
      picture: (media, what) => this.#picture(media, what),
      offered: (type) => this.page.offered(type),
      complain: (why) => this.page.complain(why),
      press: once((...what) => this.page.press(...what)),
      select: once((...what) => this.page.select(...what)),
    };
  }
}

/** A command that has led to nothing to see: it is under way, or the bot did not answer. */
export class Attempt {
  constructor(member) {
    this.member = member;
    this.element = h("li", { class: "message attempt" });
  }

  update(data) {
    this.data = data;
    this.element.id = `interaction-${data.id}`;
    this.element.setAttribute("aria-busy", String(!data.failed));
    this.element.replaceChildren(
      h("div", { class: "used" }, used(this.member, data.title, data.command_type)),
      h("div", { class: "content" }, data.failed ? failure(data.failed) : h("p", { class: "thinking" }, dots(), "Sending command…")),
    );
  }
}

/** Commands of menus (types 2 and 3) have no slash. */
const used = (member, command, type) =>
  h("p", {}, h("b", {}, member), " used ", h("span", { class: "command" }, (type ?? 1) === 1 ? `/${command}` : command));
const blocks = (slot) => [...slot.querySelectorAll("pre")];
const failure = (why) => h("p", { class: "failure" }, h("span", { "aria-hidden": "true" }, "⚠ "), why);
const dots = () => h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
