// Embeds: a card with a bar in its colour.

import { clock, h, link } from "./dom.js";
import { inline, markdown } from "./markdown.js";

/** `picture(url, what)` makes an image that may be shown here, or null. */
export function embed(data, names, picture) {
  const thumbnail = data.thumbnail && picture(data.thumbnail, "thumbnail");
  const image = data.image && picture(data.image, "picture");
  const text = h(
    "div",
    { class: "text" },
    data.author && h("p", { class: "author" }, data.author.url ? link(data.author.url, data.author.name) : data.author.name),
    data.title && h("p", { class: "title", dir: "auto" }, title(data, names)),
    data.description && h("div", { class: "description" }, markdown(data.description, names)),
    data.fields?.length > 0 && fields(data.fields, names),
  );
  const colour = Number.isInteger(data.color) ? `#${data.color.toString(16).padStart(6, "0")}` : null;
  return h(
    "article",
    { class: "embed", style: colour ? { "border-left-color": colour } : {} },
    h("div", { class: "top" }, text, thumbnail && h("div", { class: "thumbnail" }, thumbnail)),
    image && h("div", { class: "image" }, image),
    footer(data),
  );
}

function title(data, names) {
  const text = inline(data.title, names, { links: !data.url });
  return data.url ? link(data.url, text) : text;
}

/** Inline fields stand side by side, three at most. */
function fields(list, names) {
  return h(
    "dl",
    {},
    list.map((field) =>
      h(
        "div",
        { class: field.inline ? "inline" : "whole" },
        h("dt", { dir: "auto" }, inline(field.name, names)),
        h("dd", {}, markdown(field.value, names)),
      ),
    ),
  );
}

function footer(data) {
  const date = data.timestamp ? new Date(data.timestamp) : null;
  const parts = [data.footer?.text, date && `${date.toLocaleDateString()} ${clock(date)}`].filter(Boolean);
  return parts.length > 0 && h("footer", {}, parts.join(" • "));
}
