// Modals: a form of the bot's, in a dialog.

import { SELECTS } from "./components.js";
import { h, packed, unique } from "./dom.js";
import { markdown } from "./markdown.js";

const TEXT_INPUT = 4, TEXT = 10, LABEL = 18, PARAGRAPH = 2, STRING_SELECT = 3, FILES = 19, RADIO = 21, CHECKBOXES = 22,
  CHECKBOX = 23;

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
    const required = part.type !== CHECKBOX && (part.required ?? true);
    const control = this.#control(part, id, required);
    if (!control) return h("p", { class: "failure" }, `${label ?? "This field"} cannot be filled in here.`);
    const { element, value, input = element } = control;
    const problem = h("small", { class: "failure", id: `${id}-problem` });
    element.setAttribute("aria-describedby", problem.id);
    this.fields.push({ part, element, input, value, required, problem });
    const mark = part.type === CHECKBOX ? "" : required ? h("span", { class: "required", title: "required" }, " *") : " (optional)";
    const group = input !== element;
    return h(
      "div",
      { class: "field" },
      h(group ? "span" : "label", { id: `${id}-label`, class: "label", for: group ? null : id }, label, mark),
      description && h("small", {}, description),
      element,
      problem,
    );
  }

  /** `element`, the `input` that gets the focus where that is another, and `value()`; null for what is not known here. */
  #control(part, id, required) {
    const props = { id, "aria-required": String(required), placeholder: part.placeholder };
    switch (part.type) {
      case TEXT_INPUT: {
        const value = part.value ?? "";
        const element = part.style === PARAGRAPH ? h("textarea", { ...props, rows: 4, value }) : h("input", { ...props, type: "text", value });
        return { element, value: () => element.value };
      }
      case FILES: {
        const element = h("input", { ...props, type: "file", multiple: (part.max_values ?? 1) > 1 });
        return { element, value: () => [...element.files] };
      }
      case RADIO:
        return group(part, id, "radio", (chosen) => chosen[0] ?? "");
      case CHECKBOXES:
        return group(part, id, "checkbox", (chosen) => chosen);
      case CHECKBOX: {
        const element = h("input", { id, type: "checkbox" });
        element.checked = Boolean(part.default);
        return { element, value: () => element.checked };
      }
      default:
        return part.type in SELECTS ? this.#select(part, props) : null;
    }
  }

  #select(part, props) {
    const items = part.type === STRING_SELECT ? part.options : this.page.offered(part.type);
    const chosen = new Set((part.default_values ?? []).map((one) => one.id));
    const many = (part.max_values ?? 1) > 1;
    const element = h(
      "select",
      { ...props, multiple: many },
      !many && h("option", { value: "" }, part.placeholder ?? "Make a selection"),
      items.map((item) => h("option", { value: item.value }, item.label)),
    );
    for (const option of element.options) {
      option.selected = chosen.has(option.value) || items.some((item) => item.value === option.value && item.default);
    }
    return { element, value: () => [...element.selectedOptions].map((option) => option.value).filter(Boolean) };
  }

  #problem({ part, required, value: read }) {
    const value = read();
    if (part.type === CHECKBOX) return "";
    if (!value.length) return required ? "Fill this in." : "";
    if (part.type === RADIO) return "";
    if (part.type === TEXT_INPUT) return outside([...value].length, part.min_length ?? 0, part.max_length ?? 4000, "characters");
    const large = part.type === FILES && value.find((file) => file.size > this.page.limits.attachment_bytes);
    if (large) return `${large.name} is too large.`;
    const most = part.type === CHECKBOXES ? part.options.length : 1;
    return outside(value.length, part.min_values ?? 1, part.max_values ?? most, part.type === FILES ? "files" : "choices");
  }

  async #send(event) {
    event.preventDefault();
    let wrong = null;
    for (const field of this.fields) {
      const problem = this.#problem(field);
      field.problem.textContent = problem;
      field.element.setAttribute("aria-invalid", String(Boolean(problem)));
      if (problem) wrong ??= field;
    }
    if (wrong) {
      wrong.input.focus();
      return;
    }
    this.alert.textContent = "";
    this.send.disabled = true;
    const { interaction, fields } = this;
    const values = await Promise.all(fields.map(async ({ part, value }) => [part.custom_id, await travelling(value())]));
    if (interaction !== this.interaction) return;
    const question = this.submit(interaction, Object.fromEntries(values));
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

/** Boxes to choose from, under one label. */
function group(part, id, type, value) {
  const boxes = part.options.map((option) => {
    const box = h("input", { type, name: id, value: option.value });
    box.checked = Boolean(option.default);
    return { box, row: h("label", { class: "choice" }, box, h("span", {}, option.label, option.description && h("small", {}, option.description))) };
  });
  const role = type === "radio" ? "radiogroup" : "group";
  return {
    element: h("div", { id, role, class: "choices", "aria-labelledby": `${id}-label` }, boxes.map(({ row }) => row)),
    input: boxes[0].box,
    value: () => value(boxes.filter(({ box }) => box.checked).map(({ box }) => box.value)),
  };
}

const outside = (count, low, high, what) => {
  if (count < low) return `At least ${low} ${what}, not ${count}.`;
  return count > high ? `At most ${high} ${what}, not ${count}.` : "";
};

const travelling = (value) => (Array.isArray(value) ? Promise.all(value.map((one) => (one instanceof File ? packed(one) : one))) : value);
