// The message box: a line that finds commands, then fields for the options of the one that was chosen.

import {
  ATTACHMENT, BOOLEAN, CHANNEL, INTEGER, MENTIONABLE, NUMBER, ROLE, USER, matching, parsed, problem, takes, targets,
} from "./commands.js";
import { h, packed, unique } from "./dom.js";
import { Picker } from "./picker.js";

/** Milliseconds of rest at the keyboard before the bot is asked for suggestions. */
const REST = 150;
const MOST = 25;

export class Composer {
  #questions = 0;

  /**
   * `page`: `ask` (the connection's), `offered(kind)` for people, roles and channels, and `limits`. The box is told
   * of new commands with `offer`, and of suggestions with `suggested`.
   */
  constructor(form, page) {
    this.page = page;
    this.form = form;
    this.there = [];
    this.fields = [];
    this.last = null;
    this.info = h("div", { class: "info", id: unique("info") });
    this.popup = h("div", { class: "popup" }, this.info);
    this.alert = h("p", { role: "alert", class: "failure" });
    this.bar = h("div", { class: "bar" });
    form.append(this.popup, this.alert, this.bar);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    form.addEventListener("focusout", (event) => {
      if (!form.contains(event.relatedTarget)) this.#quiet();
    });
    this.#idle();
  }

  /** What the member can call now. A command that is half typed stays while it is still there. */
  offer(commands) {
    this.there = targets(commands);
    if (this.target && !this.there.some((one) => one.title === this.target.title)) this.#idle();
  }

  /** Begin a command by its full name, as a click on its mention does. */
  begin(title) {
    const target = this.there.find((one) => one.title === title);
    if (target) this.#choose(target);
    else this.#complain(`There is no command /${title} for you here.`);
  }

  /** A key was pressed where nothing takes it. */
  type(character) {
    if (this.target) this.focus();
    else {
      this.line.focus();
      this.line.value = character;
      this.#find();
    }
  }

  focus() {
    (this.target ? (this.fields[0]?.input ?? this.tail) : this.line).focus();
  }

  /** The bot's suggestions; those for an earlier question are of no use. */
  suggested({ ask, choices, failed }) {
    const field = this.fields.find((one) => one.asked === ask);
    if (!field || document.activeElement !== field.input) return;
    if (failed) this.#inform(field, failed);
    else if (!choices.length) this.#inform(field, "No matches.");
    else {
      this.#inform(field);
      this.#list(field, choices.map(({ name, value }) => ({ label: name, value })));
    }
  }

  // --- the line

  #idle(text = "") {
    this.#leave();
    this.line = h("input", {
      id: "line", role: "combobox", autocomplete: "off", "aria-autocomplete": "list", value: text,
      "aria-label": "Message", placeholder: "Type / for commands", enterkeyhint: "send",
      on: { input: () => this.#find(), keydown: (event) => this.#lineKey(event), focus: () => this.#find() },
    });
    this.picker = new Picker(this.line, this.popup, "Commands");
    this.bar.replaceChildren(this.line, sendButton());
  }

  #find() {
    const text = this.line.value;
    this.alert.textContent = "";
    const complete = parsed(text, this.there);
    if (complete) {
      this.#choose(complete.target, complete.values, complete.rest);
      return;
    }
    if (!text.startsWith("/")) {
      this.#quiet();
      return;
    }
    const found = matching(this.there, text.slice(1));
    this.info.replaceChildren(found.length ? "" : this.there.length ? "No command has this name." : "The bot has registered no commands yet.");
    this.picker.show(
      found.map((target) => ({ label: `/${target.title}`, detail: target.description, pick: () => this.#choose(target) })),
    );
  }

  #lineKey(event) {
    if (this.picker.key(event)) return;
    if (event.key === "ArrowUp" && !this.line.value && this.last) {
      event.preventDefault();
      const target = this.there.find((one) => one.title === this.last.title);
      if (target) this.#choose(target, this.last.values);
    }
  }

  // --- a command with its fields

  /** Show fields for what is required, and for what has a value; `rest` is what was typed without a name. */
  #choose(target, values = {}, rest = "") {
    this.#leave();
    this.target = target;
    this.alert.textContent = "";
    this.tail = h("input", {
      class: "tail", role: "combobox", autocomplete: "off", "aria-label": "More options",
      on: { input: () => this.#more(), focus: () => this.#more(), keydown: (event) => this.#tailKey(event) },
    });
    this.tailPicker = new Picker(this.tail, this.popup, "Options");
    const pill = h("button", { type: "button", class: "pill", title: "Change the command", on: { click: () => this.#cancel() } }, `/${target.title}`);
    this.bar.replaceChildren(pill, this.tail, sendButton());
    const wanted = target.options.filter((option) => option.required || option.name in values);
    const first = rest ? target.options.find((option) => !(option.name in values)) : null;
    if (first && !wanted.includes(first)) wanted.unshift(first);
    for (const option of wanted) this.#add(option, option === first ? rest : (values[option.name] ?? ""));
    const open = this.fields.find((field) => !field.input.value) ?? this.fields.at(-1);
    (open?.input ?? this.tail).focus();
    this.#count();
  }

  #add(option, value = "") {
    const field = { option, picked: null, asked: 0, timer: 0 };
    const shared = {
      "aria-describedby": this.info.id,
      "aria-required": String(Boolean(option.required)),
      data: { option: option.name },
      on: {
        input: (event) => this.#typed(field, event),
        focus: () => this.#attend(field),
        keydown: (event) => this.#fieldKey(event, field),
      },
    };
    field.input =
      option.type === ATTACHMENT
        ? h("input", { type: "file", ...shared })
        : h("textarea", {
            rows: 1, role: "combobox", autocomplete: "off", enterkeyhint: "send",
            inputmode: { [INTEGER]: "numeric", [NUMBER]: "decimal" }[option.type], ...shared,
          });
    if (value && option.type !== ATTACHMENT) {
      field.picked = typeof value === "object" ? value : null;
      field.input.value = field.picked?.label ?? value;
    }
    field.picker = new Picker(field.input, this.popup, `Values of ${option.name}`);
    field.element = h("label", { class: "field" }, h("span", { class: "name" }, option.name), field.input);
    this.fields.push(field);
    this.tail.before(field.element);
    this.#count();
    return field;
  }

  #remove(field) {
    const at = this.fields.indexOf(field);
    field.picker.hide();
    field.element.remove();
    this.fields.splice(at, 1);
    this.#count();
    (this.fields[at - 1]?.input ?? this.tail).focus();
  }

  #cancel() {
    const { title } = this.target;
    this.#idle(`/${title}`);
    this.line.focus();
  }

  // --- options that are not there yet

  #left() {
    return this.target.options.filter((option) => !this.fields.some((field) => field.option === option));
  }

  #count() {
    const count = this.#left().length;
    this.tail.placeholder = count ? `+${count} optional` : "";
  }

  #more() {
    const text = this.tail.value.trim();
    const named = this.#left().find((option) => text === `${option.name}:`);
    if (named) {
      this.tail.value = "";
      this.#add(named).input.focus();
      return;
    }
    const left = this.#left().filter((option) => option.name.startsWith(text));
    this.info.replaceChildren(h("b", {}, `/${this.target.title}`), ` ${this.target.description}`);
    const items = left.map((option) => ({
      label: option.name,
      detail: option.description,
      pick: () => {
        this.tail.value = "";
        this.#add(option).input.focus();
      },
    }));
    this.#only(this.tailPicker);
    this.tailPicker.show(items, { active: text ? 0 : -1 });
  }

  #tailKey(event) {
    if (this.tailPicker.key(event)) return;
    if (event.key === "Backspace" && !this.tail.value) {
      event.preventDefault();
      if (this.fields.length) this.fields.at(-1).input.focus();
      else this.#cancel();
    } else if (event.key === "Escape") this.#cancel();
  }

  // --- one field

  #attend(field) {
    this.#inform(field);
    if (field.picked) this.#only(null);
    else this.#propose(field);
  }

  #typed(field, event) {
    field.picked = null;
    field.input.removeAttribute("aria-invalid");
    this.alert.textContent = "";
    if (event.data === ":") this.#jump(field);
    if (document.activeElement === field.input) this.#propose(field);
  }

  /** The name of an option was typed, colon and all: it leads to its field. Text that was pasted stays as it is. */
  #jump({ option, input }) {
    const text = input.value;
    if (text === `${option.name}:`) {
      input.value = "";
      return;
    }
    const named = this.#left().find(({ name }) => text === `${name}:` || text.endsWith(` ${name}:`));
    if (!named) return;
    input.value = text.slice(0, -named.name.length - 1).replace(/ $/, "");
    this.#add(named).input.focus();
  }

  #fieldKey(event, field) {
    if (field.picker.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && field.option.type !== ATTACHMENT) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Backspace" && !field.input.value) {
      event.preventDefault();
      if (!field.option.required) this.#remove(field);
      else if (field === this.fields[0]) this.#cancel();
      else this.fields[this.fields.indexOf(field) - 1].input.focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#cancel();
    }
  }

  /** Offer values: those of a list at once, the bot's after a rest. */
  #propose(field) {
    const { option, input } = field;
    if (option.autocomplete) {
      clearTimeout(field.timer);
      // What was offered for other text cannot be taken for this one, and an answer to it would come too late.
      field.picker.hide();
      field.asked = 0;
      field.timer = setTimeout(() => this.#ask(field), input.value ? REST : 0);
      return;
    }
    const typed = input.value.trim().toLowerCase();
    const listed = this.#listed(option);
    this.#list(field, listed ? listed.filter((item) => item.label.toLowerCase().includes(typed)) : []);
  }

  async #ask(field) {
    this.#inform(field, "Loading options…");
    const question = this.page.ask("autocomplete", {
      name: this.target.title,
      options: this.#values({ only: (one) => one === field || !this.#wrong(one) }),
      focused: field.option.name,
    });
    field.asked = question.ask;
    try {
      await question;
    } catch (error) {
      if (field.asked === question.ask) this.#inform(field, error.message);
    }
  }

  /** The values that an option can have, where they can be listed. */
  #listed(option) {
    if (option.choices?.length) return option.choices.map(({ name, value }) => ({ label: name, value }));
    const kind = { [USER]: 5, [ROLE]: 6, [MENTIONABLE]: 7, [CHANNEL]: 8 }[option.type];
    if (kind) return this.page.offered(kind);
    if (option.type === BOOLEAN) return [{ label: "True", value: true }, { label: "False", value: false }];
    return null;
  }

  #list(field, items) {
    this.#only(field.picker);
    const shown = items.slice(0, MOST).map((item) => ({
      ...item,
      pick: () => {
        field.picked = { label: item.label, value: item.value };
        field.input.value = item.label;
        field.input.removeAttribute("aria-invalid");
        field.picker.hide();
        this.#inform(field);
      },
    }));
    field.picker.show(shown, { active: field.input.value ? 0 : -1 });
  }

  #inform(field, note = "") {
    const { option } = field;
    this.info.replaceChildren(h("b", {}, option.name), ` ${option.description} `, h("small", {}, takes(option)), note && h("span", { class: "note" }, ` ${note}`));
  }

  /** Nothing of the command that was being filled in remains. */
  #leave() {
    this.#quiet();
    for (const field of this.fields) clearTimeout(field.timer);
    this.target = null;
    this.fields = [];
    this.picker = this.tailPicker = null;
  }

  /** One list at a time. */
  #only(picker) {
    for (const one of [this.picker, this.tailPicker, ...this.fields.map((field) => field.picker)]) if (one && one !== picker) one.hide();
  }

  #quiet() {
    this.#only(null);
    this.info.replaceChildren();
  }

  // --- sending

  #wrong(field) {
    const { option, input } = field;
    if (option.type === ATTACHMENT) {
      const [file] = input.files;
      if (!file) return option.required ? `${option.name} is required.` : "";
      return file.size > this.page.limits.attachment_bytes ? `${option.name} is too large.` : "";
    }
    const text = input.value;
    const listed = this.#listed(option);
    if (text && listed && !field.picked) {
      const exact = listed.find((item) => item.label.toLowerCase() === text.trim().toLowerCase());
      if (!exact) return `${option.name}: choose one from the list.`;
      field.picked = { label: exact.label, value: exact.value };
    }
    return field.picked ? "" : problem(option, text);
  }

  /** By name, without files: those travel only when the command is sent. */
  #values({ only = () => true } = {}) {
    const filled = this.fields.filter((field) => field.option.type !== ATTACHMENT && only(field) && (field.picked || field.input.value));
    return Object.fromEntries(filled.map((field) => [field.option.name, field.picked ? field.picked.value : field.input.value]));
  }

  async #submit() {
    if (!this.target) {
      await this.#submitLine();
      return;
    }
    for (const field of this.fields) {
      const wrong = this.#wrong(field);
      if (!wrong) continue;
      field.input.setAttribute("aria-invalid", "true");
      field.input.focus();
      this.#complain(wrong);
      return;
    }
    const { title } = this.target;
    const values = Object.fromEntries(
      this.fields
        .filter(({ option, input }) => option.type !== ATTACHMENT && input.value)
        .map(({ option, picked, input }) => [option.name, picked ?? input.value]),
    );
    const options = this.#values();
    for (const { option, input } of this.fields) {
      if (option.type === ATTACHMENT && input.files[0]) options[option.name] = await packed(input.files[0]);
    }
    await this.#send(this.page.ask("command", { name: title, options }), { title, values });
  }

  async #submitLine() {
    const text = this.line.value.trim();
    if (!text) return;
    if (text.startsWith("/")) await this.#send(this.page.ask("line", { line: text }), null);
    else await this.#send(this.page.ask("say", { content: text }), null);
  }

  async #send(question, remembered) {
    const number = ++this.#questions;
    try {
      await question;
      if (remembered) this.last = remembered;
      if (number !== this.#questions) return;
      const held = this.form.contains(document.activeElement);
      this.alert.textContent = "";
      this.#idle();
      if (held) this.line.focus();
    } catch (error) {
      this.#complain(error.message);
    }
  }

  #complain(why) {
    this.alert.textContent = why;
  }
}

const sendButton = () => h("button", { type: "submit", class: "send", title: "Send" }, "Send");
