// Modals: a form of the bot's, in a dialog.

import { SELECTS } from "./components.js";
import { h, unique } from "./dom.js";
import { markdown } from "./markdown.js";

const TEXT_INPUT = 4, TEXT = 10, LABEL = 18, PARAGRAPH = 2, STRING_SELECT = 3;

export class Modals {
  /** `page` as for messages; `submit(interaction, values)` sends, and fails with Refused. */
  constructor(dialog, page, submit) {
    this.dialog = dialog;
    this.page = page;
    this.submit = submit;
    this.sent = null;
  }

  open(interaction, modal) {
    this.interaction = interaction;
    this.fields = [];
    this.sent = null;
    this.alert = h("p", { role: "alert", class: "failure" });
    this.send = h("button", { type: "submit", class: "button primary" }, "Submit");
    const cancel = h("button", { type: "button", class: "button secondary", on: { click: () => this.dialog.close() } }, "Cancel");
    const form = h(
      "form",
      { novalidate: true, on: { submit: (event) => this.#send(event) } },
      h("h2", { id: "modal-title" }, modal.title),
      modal.components.map((part) => this.#part(part)),
      this.alert,
      h("div", { class: "row" }, cancel, this.send),
    );
    this.dialog.replaceChildren(form);
    if (!this.dialog.open) this.dialog.showModal();
    this.fields[0]?.input.focus();
  }

  /** What became of the interaction that the submission is. */
  follow(interaction) {
    if (interaction.ask !== this.sent || this.sent === null) return;
    if (interaction.failed) this.#complain(interaction.failed);
    else if (interaction.answered !== null) this.dialog.close();
  }

  #part(part) {
    if (part.type === TEXT) return h("div", { class: "content" }, markdown(part.content, this.page.names));
    if (part.type === LABEL) return this.#field(part.component, part.label, part.description);
    return (part.components ?? []).map((inner) => this.#field(inner, inner.label, null));
  }

  #field(part, label, description) {
    const id = unique("field");
    const required = part.required ?? true;
    const input = this.#input(part, id, required);
    if (!input) return h("p", { class: "failure" }, `${label ?? "This field"} cannot be filled in here.`);
    const problem = h("small", { class: "failure", id: `${id}-problem` });
    input.setAttribute("aria-describedby", problem.id);
    this.fields.push({ part, input, label, required, problem });
    return h(
      "p",
      { class: "field" },
      h("label", { for: id }, label, required ? h("span", { class: "required", title: "required" }, " *") : " (optional)"),
      description && h("small", {}, description),
      input,
      problem,
    );
  }

  #input(part, id, required) {
    const props = { id, required, placeholder: part.placeholder };
    if (part.type === TEXT_INPUT) {
      const value = part.value ?? "";
      if (part.style === PARAGRAPH) return h("textarea", { ...props, rows: 4, value });
      return h("input", { ...props, type: "text", value });
    }
    if (!(part.type in SELECTS)) return null;
    const items = part.type === STRING_SELECT ? part.options : this.page.offered(part.type);
    const many = (part.max_values ?? 1) > 1;
    const select = h(
      "select",
      { id, multiple: many },
      !many && h("option", { value: "" }, part.placeholder ?? "Make a selection"),
      items.map((item) => h("option", { value: item.value }, item.label)),
    );
    for (const option of select.options) option.selected = items.some((item) => item.value === option.value && item.default);
    return select;
  }

  #value({ part, input }) {
    if (part.type === TEXT_INPUT) return input.value;
    return [...input.selectedOptions].map((option) => option.value).filter(Boolean);
  }

  #problem(field) {
    const { part, required } = field;
    const value = this.#value(field);
    if (!value.length) return required ? "Fill this in." : "";
    const text = part.type === TEXT_INPUT;
    const [low, high] = text ? [part.min_length ?? 0, part.max_length ?? 4000] : [part.min_values ?? 1, part.max_values ?? 1];
    const count = text ? [...value].length : value.length;
    const what = text ? "characters" : "choices";
    if (count < low) return `At least ${low} ${what}; these are ${count}.`;
    return count > high ? `At most ${high} ${what}; these are ${count}.` : "";
  }

  async #send(event) {
    event.preventDefault();
    let wrong = null;
    for (const field of this.fields) {
      const problem = this.#problem(field);
      field.problem.textContent = problem;
      field.input.setAttribute("aria-invalid", String(Boolean(problem)));
      if (problem) wrong ??= field;
    }
    if (wrong) {
      wrong.input.focus();
      return;
    }
    this.alert.textContent = "";
    this.send.disabled = true;
    const values = Object.fromEntries(this.fields.map((field) => [field.part.custom_id, this.#value(field)]));
    const question = this.submit(this.interaction, values);
    this.sent = question.ask;
    try {
      await question;
    } catch (error) {
      this.#complain(error.message);
    }
  }

  #complain(why) {
    this.alert.textContent = why;
    this.send.disabled = false;
  }
}
