// Buttons, menus and the parts of layouts, as messages carry them.

import { h, link, safeUrl, size } from "./dom.js";
import { markdown } from "./markdown.js";
import { Picker } from "./picker.js";

const ROW = 1, BUTTON = 2, STRING_SELECT = 3, SECTION = 9, TEXT = 10, THUMBNAIL = 11, GALLERY = 12, FILE = 13,
  SEPARATOR = 14, CONTAINER = 17;
export const SELECTS = { 3: "options", 5: "people", 6: "roles", 7: "people and roles", 8: "channels" };
const LINK = 5;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "primary" };

const face = (emoji) => emoji && (emoji.id ? `:${emoji.name}:` : emoji.name);

/**
 * Draw components. `hands` acts for the member: `press(customId)` and `select(customId, values)`; it also knows
 * `names` for mentions, `picture(media, what)`, and `offered(type)`, the people, roles or channels of a menu.
 */
export function components(list, hands) {
  return list.map((part) => component(part, hands)).filter(Boolean);
}

function component(part, hands) {
  switch (part.type) {
    case ROW:
      return h("div", { class: "row" }, components(part.components ?? [], hands));
    case BUTTON:
      return button(part, hands);
    case SECTION:
      return h(
        "div",
        { class: "section" },
        h("div", {}, components(part.components ?? [], hands)),
        component(part.accessory ?? {}, hands),
      );
    case TEXT:
      return h("div", { class: "content" }, markdown(part.content, hands.names));
    case THUMBNAIL:
      return h("div", { class: "thumbnail" }, hands.picture(part.media, part.description ?? "thumbnail"));
    case GALLERY:
      return h(
        "div",
        { class: "gallery" },
        (part.items ?? []).map((item) => hands.picture(item.media, item.description ?? "picture")),
      );
    case FILE:
      return h("p", { class: "file" }, "📎 ", link(part.file.url, part.name ?? part.file.url), part.size ? ` ${size(part.size)}` : "");
    case SEPARATOR:
      return h("hr", { class: part.divider === false ? "gap" : "" });
    case CONTAINER: {
      const colour = Number.isInteger(part.accent_color) ? `#${part.accent_color.toString(16).padStart(6, "0")}` : null;
      const style = colour ? { "border-left-color": colour } : {};
      return h("div", { class: "embed container", style }, components(part.components ?? [], hands));
    }
    default:
      return part.type in SELECTS ? select(part, hands) : null;
  }
}

function button(part, hands) {
  const label = [face(part.emoji), part.label].filter(Boolean).join(" ");
  if (part.style === LINK) {
    return h("a", { class: "button link", href: safeUrl(part.url), target: "_blank", rel: "noopener noreferrer" }, label, " ↗");
  }
  return h(
    "button",
    {
      type: "button",
      class: `button ${STYLES[part.style] ?? "secondary"}`,
      disabled: part.disabled,
      data: { component: part.custom_id ?? "" },
      on: { click: () => hands.press(part.custom_id) },
    },
    label,
  );
}

/** One choice is sent at once; where several may be made, when the list is closed. */
function select(part, hands) {
  const low = part.min_values ?? 1;
  const high = part.max_values ?? 1;
  const items = part.type === STRING_SELECT ? part.options : hands.offered(part.type);
  let chosen = new Set(
    part.type === STRING_SELECT
      ? items.filter((item) => item.default).map((item) => item.value)
      : (part.default_values ?? []).map((value) => value.id),
  );
  let before = new Set(chosen);
  const opener = h(
    "button",
    {
      type: "button",
      class: "select",
      role: "combobox",
      "aria-haspopup": "listbox",
      disabled: part.disabled,
      data: { component: part.custom_id },
    },
  );
  const box = h("div", { class: "selectbox" }, opener);
  const picker = new Picker(opener, box, part.placeholder ?? `Choose ${SELECTS[part.type]}`);

  const title = () => {
    const labels = items.filter((item) => chosen.has(item.value)).map((item) => item.label);
    opener.replaceChildren(labels.join(", ") || part.placeholder || "Make a selection", h("span", { "aria-hidden": "true" }, " ▾"));
  };
  const same = () => chosen.size === before.size && [...chosen].every((value) => before.has(value));
  const close = () => {
    picker.hide();
    if (high <= 1 || same()) return;
    if (chosen.size < low || chosen.size > high) {
      hands.complain(`Choose ${low === high ? low : `${low} to ${high}`}, not ${chosen.size}.`);
      return;
    }
    before = new Set(chosen);
    hands.select(part.custom_id, [...chosen]);
  };
  const take = (item, index) => {
    if (high <= 1) {
      chosen = new Set([item.value]);
      picker.hide();
      hands.select(part.custom_id, [item.value]);
    } else {
      if (!chosen.delete(item.value) && chosen.size < high) chosen.add(item.value);
      open(index);
    }
    title();
  };
  const open = (active = 0) => {
    const offered = items.map((item, index) => ({
      label: [face(item.emoji), item.label].filter(Boolean).join(" "),
      detail: item.description,
      chosen: high > 1 ? chosen.has(item.value) : undefined,
      pick: () => take(item, index),
    }));
    // Several choices need an end that one can see.
    if (high > 1) offered.push({ label: "Done", group: " ", pick: close });
    picker.show(offered, { active });
  };
  opener.addEventListener("click", () => (picker.open ? close() : open()));
  opener.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && picker.open) {
      event.preventDefault();
      close();
    } else if (!picker.key(event, { tab: false }) && event.key === "ArrowDown" && !picker.open) {
      event.preventDefault();
      open();
    }
  });
  opener.addEventListener("blur", close);
  title();
  return box;
}
