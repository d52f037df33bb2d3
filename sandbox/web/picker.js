// A list to choose from, over the element that it belongs to. It never has the focus: the focused element passes keys to it.

import { h, unique } from "./dom.js";

export class Picker {
  /** `combobox` is the element with the focus, which is told what is active; the list is put into `place`. */
  constructor(combobox, place, label) {
    this.list = h("ul", { role: "listbox", class: "picker", id: unique("list"), "aria-label": label });
    this.combobox = combobox;
    this.place = place;
    this.items = [];
    this.active = -1;
    combobox.setAttribute("aria-controls", this.list.id);
    combobox.setAttribute("aria-expanded", "false");
  }

  get open() {
    return this.items.length > 0;
  }

  /**
   * Show items: `label`, and perhaps `detail`, `group`, `chosen` (true or false where several can be); `pick()` is
   * called for the one that is taken. `active` is marked from the start, -1 for none.
   */
  show(items, { active = 0 } = {}) {
    this.items = items;
    this.active = -1;
    const nodes = [];
    items.forEach((item, index) => {
      if (item.group && item.group !== items[index - 1]?.group) {
        nodes.push(h("li", { role: "presentation", class: "group" }, item.group));
      }
      nodes.push(this.#option(item, index));
    });
    this.list.replaceChildren(...nodes);
    this.combobox.setAttribute("aria-expanded", String(this.open));
    if (!this.open) {
      this.list.remove();
      this.combobox.removeAttribute("aria-activedescendant");
      return;
    }
    if (!this.list.isConnected) this.place.append(this.list);
    this.#mark(Math.min(active, items.length - 1));
  }

  hide() {
    this.show([]);
  }

  /** Whether the key was the list's: arrows, Home and End, Page Up and Down, Enter, Tab on a marked item, Escape. */
  key(event, { tab = true } = {}) {
    if (!this.open || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
    const last = this.items.length - 1;
    const moves = {
      ArrowDown: this.active >= last ? 0 : this.active + 1,
      ArrowUp: this.active <= 0 ? last : this.active - 1,
      PageDown: Math.min(this.active + 8, last),
      PageUp: Math.max(this.active - 8, 0),
    };
    if (event.key in moves) this.#mark(moves[event.key]);
    else if (event.key === "Escape") this.hide();
    else if (this.active >= 0 && (event.key === "Enter" || (tab && event.key === "Tab" && !event.shiftKey))) {
      this.items[this.active].pick();
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #option(item, index) {
    const mark = item.chosen === undefined ? null : h("span", { "aria-hidden": "true" }, item.chosen ? "☑ " : "☐ ");
    return h(
      "li",
      {
        role: "option",
        id: `${this.list.id}-${index}`,
        "aria-selected": String(item.chosen ?? false),
        on: {
          // The focus stays where it is.
          mousedown: (event) => event.preventDefault(),
          mousemove: () => this.active === index || this.#mark(index, false),
          click: () => item.pick(),
        },
      },
      h("span", { class: "label", dir: "auto" }, mark, item.label),
      item.detail && h("span", { class: "detail", dir: "auto" }, item.detail),
    );
  }

  #mark(index, scroll = true) {
    const options = this.list.querySelectorAll("[role=option]");
    options[this.active]?.classList.remove("active");
    this.active = index;
    const option = options[index];
    if (!option) {
      this.combobox.removeAttribute("aria-activedescendant");
      return;
    }
    option.classList.add("active");
    if (scroll) option.scrollIntoView({ block: "nearest" });
    this.combobox.setAttribute("aria-activedescendant", option.id);
  }
}
