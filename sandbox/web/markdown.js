// Discord's dialect of markdown, as nodes.

import { ansi } from "./ansi.js";
import { h, link } from "./dom.js";

// A block holds something, and longer runs of backticks open none.
const FENCE = /```(?:([\w+.#-]+)\n)?\n*([^\n`][\s\S]*?)```/g;
const INLINE = new RegExp(
  [
    /\\(?<escaped>[\\`*_~|>#[\]()<:@-])/,
    /(?<!`)(?<ticks>`+)(?!`)(?<code>[\s\S]+?)(?<!`)\k<ticks>(?!`)/,
    /\*\*\*(?<both>\S(?:[\s\S]*?\S)?)\*\*\*(?!\*)/,
    /\*\*(?<bold>[\s\S]+?)\*\*(?!\*)/,
    /__(?<underline>[\s\S]+?)__(?!_)/,
    /\*(?<star>[^\s*](?:[^*]*[^\s*])?)\*/,
    /(?<![\p{L}\p{N}_])_(?<italic>[^\s_](?:[\s\S]*?[^\s_])?)_(?![\p{L}\p{N}_])/,
    /~~(?<strike>[\s\S]+?)~~/,
    /\|\|(?<spoiler>[\s\S]+?)\|\|/,
    /\[(?<label>[^\]\n]+)\]\(<?(?<target>https?:\/\/[^\s)>]+)>?(?:\s+"[^"\n]*")?\)/,
    /<(?<bracketed>https?:\/\/[^\s>]+)>/,
    /(?<bare>https?:\/\/[^\s<>]*[^\s<>.,:;"'!?)\]*_~|])/,
    /<(?<kind>@!?|@&|#)(?<id>\d+)>/,
    /<\/(?<command>[^:>\n]+):(?:\d+)>/,
    /<t:(?<time>-?\d{1,11})(?::(?<style>[tTdDfFRsS]))?>/,
    /<a?:(?<emoji>\w+):\d+>/,
    /(?<everyone>@everyone|@here)\b/,
  ]
    .map((part) => part.source)
    .join("|"),
  "gu",
);
const ITEM = /^(?<indent>\s*)(?<mark>[-*]|\d{1,9}\.)\s+(?<text>\S.*)$/;
const WRAPS = { bold: "strong", underline: "u", star: "em", italic: "em", strike: "s" };

/**
 * Blocks and inline marks of a whole message. `names` says what mentions stand for (`user`, `role`, `channel` by id)
 * and what a mention of a command does (`command(title)`); `everyone` whether @everyone is more than text.
 */
export function markdown(text, names, { everyone = false } = {}) {
  const draw = new Drawing(names, { everyone });
  const nodes = [];
  let last = 0;
  for (const fence of text.matchAll(FENCE)) {
    nodes.push(...draw.prose(text.slice(last, fence.index)));
    nodes.push(codeBlock(fence[1] ?? "", fence[2]));
    last = fence.index + fence[0].length;
  }
  nodes.push(...draw.prose(text.slice(last)));
  return nodes;
}

/** Only the marks inside a line: titles and names of fields. `links`: whether there may be links in it. */
export function inline(text, names, { links = true } = {}) {
  return new Drawing(names, { links }).inline(text);
}

function codeBlock(language, text) {
  const inside = text.replace(/^\n+|\n+$/g, "");
  return h("pre", { tabindex: 0, data: { language } }, h("code", {}, language === "ansi" ? ansi(inside) : inside));
}

class Drawing {
  constructor(names, { everyone = false, links = true } = {}) {
    this.names = names;
    this.everyone = everyone;
    this.links = links;
  }

  /** Lines outside of code blocks: headings, subtext, quotes, lists, and paragraphs of what is left. Quotes hold no quotes. */
  prose(text, quoted = false) {
    const lines = text.replace(/^\n+|\n+$/g, "").split("\n");
    if (lines.length === 1 && !lines[0]) return [];
    const nodes = [];
    let paragraph = [];
    const flush = () => {
      if (paragraph.length) nodes.push(h("p", { dir: "auto" }, this.inline(paragraph.join("\n"))));
      paragraph = [];
    };
    for (let at = 0; at < lines.length; at += 1) {
      const line = lines[at];
      const heading = /^(#{1,3})\s+(?=\S)/.exec(line);
      if (heading) {
        flush();
        const level = heading[1].length;
        nodes.push(h(`h${level + 2}`, { dir: "auto" }, this.inline(line.slice(heading[0].length))));
      } else if (line.startsWith("-# ")) {
        flush();
        nodes.push(h("small", { class: "subtext", dir: "auto" }, this.inline(line.slice(3))));
      } else if (!quoted && line.startsWith(">>> ")) {
        flush();
        nodes.push(h("blockquote", {}, this.prose([line.slice(4), ...lines.slice(at + 1)].join("\n"), true)));
        at = lines.length;
      } else if (!quoted && line.startsWith("> ")) {
        flush();
        const inside = [];
        for (; at < lines.length && lines[at].startsWith("> "); at += 1) inside.push(lines[at].slice(2));
        at -= 1;
        nodes.push(h("blockquote", {}, this.prose(inside.join("\n"), true)));
      } else if (ITEM.test(line)) {
        flush();
        const items = [];
        for (; at < lines.length && ITEM.test(lines[at]); at += 1) items.push(ITEM.exec(lines[at]).groups);
        at -= 1;
        nodes.push(...this.lists(items));
      } else {
        paragraph.push(line);
      }
    }
    flush();
    return nodes;
  }

  /** Lists of bullets and of numbers; items that are indented belong to the item before them. */
  lists(items) {
    const indent = items[0].indent.length;
    const lists = [];
    for (let at = 0; at < items.length; at += 1) {
      const ordered = /\d/.test(items[at].mark);
      if (lists.at(-1)?.tagName !== (ordered ? "OL" : "UL")) {
        lists.push(h(ordered ? "ol" : "ul", ordered ? { start: Number.parseInt(items[at].mark, 10) } : {}));
      }
      const item = h("li", { dir: "auto" }, this.inline(items[at].text));
      const inner = [];
      while (at + 1 < items.length && items[at + 1].indent.length > indent) {
        at += 1;
        inner.push(items[at]);
      }
      if (inner.length) item.append(...this.lists(inner));
      lists.at(-1).append(item);
    }
    return lists;
  }

  inline(text) {
    const nodes = [];
    let last = 0;
    for (const found of text.matchAll(INLINE)) {
      if (found.index > last) nodes.push(text.slice(last, found.index));
      nodes.push(this.mark(found.groups, found[0]));
      last = found.index + found[0].length;
    }
    if (last < text.length) nodes.push(text.slice(last));
    return nodes;
  }

  mark(groups, whole) {
    const name = Object.keys(groups).find((key) => groups[key] !== undefined && key !== "ticks");
    const value = groups[name];
    if (name in WRAPS) return h(WRAPS[name], {}, this.inline(value));
    switch (name) {
      case "escaped":
        return value;
      case "code":
        return h("code", {}, value.replace(/^ (?=.*\S)(.*) $/s, "$1"));
      case "both":
        return h("em", {}, h("strong", {}, this.inline(value)));
      case "spoiler":
        return spoiler(this.inline(value));
      case "label":
        // A label that is an address itself could name another than it leads to.
        if (!this.links || /https?:\/\//.test(value)) return whole;
        return link(groups.target, this.inline(value));
      case "bracketed":
      case "bare":
        return this.links ? link(value, value) : value;
      case "kind": {
        const [sign, kind] = value === "#" ? ["#", "channel"] : ["@", value === "@&" ? "role" : "user"];
        return mention(sign + this.names[kind](groups.id));
      }
      case "command":
        return h(
          "button",
          { type: "button", class: "mention", on: { click: () => this.names.command(value) } },
          `/${value}`,
        );
      case "time":
        return moment(Number(value), groups.style ?? "f");
      case "emoji":
        return `:${value}:`;
      default:
        return this.everyone ? mention(whole) : whole;
    }
  }
}

const mention = (text) => h("span", { class: "mention" }, text.replace(/^@@/, "@"));

function spoiler(children) {
  const shown = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const element = event.currentTarget;
    element.classList.add("shown");
    element.removeAttribute("role");
    element.removeAttribute("aria-label");
    inside.removeAttribute("aria-hidden");
  };
  const inside = h("span", { "aria-hidden": "true" }, children);
  const props = { class: "spoiler", role: "button", tabindex: 0, "aria-label": "Spoiler: press to show" };
  return h("span", { ...props, on: { click: shown, keydown: shown } }, inside);
}

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

function moment(seconds, style) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "Invalid Date";
  const full = date.toLocaleString([], STYLES.F);
  const text = style === "R" ? relative(seconds - Date.now() / 1000) : date.toLocaleString([], STYLES[style] ?? STYLES.f);
  return h("time", { datetime: date.toISOString(), title: full }, text);
}

function relative(seconds) {
  const units = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units.at(-1);
  return new Intl.RelativeTimeFormat([], { numeric: "auto" }).format(Math.round(seconds / length), unit);
}
