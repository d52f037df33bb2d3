// What a member can do with a message: a bar over its corner while the pointer or the focus is in it.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { Picker } from "./picker.js";

const USER_MENU = 2, MESSAGE_MENU = 3;
/** Milliseconds for which a copy is confirmed. */
const CONFIRMED = 1500;

/**
 * `data()` is the message as it is now. `page`: `commands()` lists those that the member has here, `use(command, target,
 * message)` calls one of a menu, `complain(why)` says what went wrong, `names` what ids stand for.
 */
export function actions(data, page) {
  return h("span", { class: "strip" }, copy(data, page), apps(data, page));
}

function copy(data, page) {
  const label = h("span", {}, "Copy text");
  const click = async () => {
    try {
      await navigator.clipboard.writeText(text(data()));
      label.textContent = "Copied";
      setTimeout(() => { label.textContent = "Copy text"; }, CONFIRMED);
    } catch {
      page.complain("The browser does not allow copying.");
    }
  };
  return h("button", { type: "button", on: { click } }, icon("copy"), label);
}

/** What can be read in a message, without the colours of `ansi` blocks. */
function text({ content, embeds }) {
  const parts = embeds.flatMap(({ author, title, description, fields = [], footer }) => [
    author?.name, title, description, ...fields.map((field) => `${field.name}: ${field.value}`), footer?.text,
  ]);
  return [content, ...parts].filter(Boolean).join("\n").replace(/\u001b\[[\d;]*m/g, "");
}

/** Commands of the menus of a message and of its author. */
function apps(data, page) {
  const opener = h(
    "button",
    { type: "button", role: "combobox", "aria-haspopup": "listbox", "aria-label": "Apps: commands for this message" },
    icon("apps"),
    h("span", {}, "Apps"),
  );
  const box = h("span", { class: "selectbox" }, opener);
  const picker = new Picker(opener, box, "Apps");
  const items = () => {
    const { id, author } = data();
    const offered = page.commands().filter(({ type }) => type === MESSAGE_MENU || type === USER_MENU);
    const close = () => picker.hide();
    if (!offered.length) return [{ label: "No commands for this", pick: close }];
    return offered.map(({ name, type }) => ({
      label: name,
      detail: type === USER_MENU ? `about ${page.names.user(author.id)}` : "about this message",
      pick: () => {
        close();
        page.use(name, type === USER_MENU ? author.id : id, id);
      },
    }));
  };
  const toggle = () => {
    if (picker.open) picker.hide();
    else {
      // Below the bar, or above it where there is more room.
      box.classList.toggle("up", opener.getBoundingClientRect().top > window.innerHeight / 2);
      picker.show(items());
    }
  };
  opener.addEventListener("click", toggle);
  opener.addEventListener("keydown", (event) => picker.key(event, { tab: false }));
  opener.addEventListener("blur", () => picker.hide());
  return box;
}
