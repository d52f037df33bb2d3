// Registered commands, as the message box needs them: what can be called, and what Discord would refuse.

export const SUBCOMMAND = 1, GROUP = 2, STRING = 3, INTEGER = 4, BOOLEAN = 5, USER = 6, CHANNEL = 7, ROLE = 8,
  MENTIONABLE = 9, NUMBER = 10, ATTACHMENT = 11;
const SAFE = 2 ** 53;

/** Everything that can be called: `{title, description, options}`, sub-commands by their full names. */
export function targets(commands) {
  const found = [];
  const walk = (title, description, options) => {
    const inner = options.filter((option) => option.type === SUBCOMMAND || option.type === GROUP);
    for (const option of inner) walk(`${title} ${option.name}`, option.description, option.options ?? []);
    if (!inner.length) found.push({ title, description, options });
  };
  for (const command of commands) if (command.type === 1) walk(command.name, command.description, command.options);
  return found.sort((one, other) => one.title.localeCompare(other.title));
}

/** Commands whose name begins with, then those that contain, what was typed. */
export function matching(there, typed) {
  const wanted = typed.toLowerCase().trim();
  const begins = there.filter((target) => target.title.startsWith(wanted));
  const contains = there.filter((target) => !begins.includes(target) && target.title.includes(wanted));
  return [...begins, ...contains];
}

/** A line such as `/tokens text:hello n:5` as `{target, values, rest}` once its command is complete, else null. */
export function parsed(line, there) {
  const named = there
    .filter((target) => line.startsWith(`/${target.title} `))
    .sort((one, other) => other.title.length - one.title.length)[0];
  if (!named) return null;
  return { target: named, ...split(line.slice(named.title.length + 2), named.options) };
}

/** Cut `hello n:5` at the names of options: what stands before the first, and values by name. */
function split(text, options) {
  const names = options.map((option) => option.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!names.length) return { rest: text, values: {} };
  const marks = [...text.matchAll(new RegExp(`(?:^|(?<=\\s))(${names.sort((a, b) => b.length - a.length).join("|")}):`, "g"))];
  const values = {};
  marks.forEach((mark, index) => {
    values[mark[1]] = text.slice(mark.index + mark[0].length, marks[index + 1]?.index).trim();
  });
  return { rest: text.slice(0, marks[0]?.index).trim(), values };
}

/** What an option takes, in words: "whole number, 1 to 400". */
export function takes(option) {
  const { type, min_value: low, max_value: high, min_length: shortest, max_length: longest } = option;
  const kind = {
    [STRING]: "text", [INTEGER]: "whole number", [BOOLEAN]: "true or false", [USER]: "member", [CHANNEL]: "channel",
    [ROLE]: "role", [MENTIONABLE]: "member or role", [NUMBER]: "number", [ATTACHMENT]: "file",
  }[type];
  const parts = [option.required ? "required" : "optional", option.choices?.length ? "one of a list" : kind];
  if (type === STRING) parts.push(range(shortest, longest, " characters"));
  else parts.push(range(low, high, ""));
  return parts.filter(Boolean).join(", ");
}

const given = (value) => value !== undefined && value !== null;

function range(low, high, unit) {
  if (given(low) && given(high)) return `${low} to ${high}${unit}`;
  if (given(low)) return `at least ${low}${unit}`;
  return given(high) ? `at most ${high}${unit}` : "";
}

/** What is wrong with the text typed for an option, in a sentence; empty if nothing. */
export function problem(option, text) {
  const { name, type } = option;
  if (!text) return option.required ? `${name} is required.` : "";
  if (type === STRING) {
    const length = [...text].length;
    const low = option.min_length ?? 0;
    const high = option.max_length ?? 6000;
    if (length < low) return `${name} takes at least ${low} characters, not ${length}.`;
    return length > high ? `${name} takes at most ${high} characters, not ${length}.` : "";
  }
  if (type === INTEGER || type === NUMBER) {
    if (type === INTEGER && !/^[-+]?\d+$/.test(text.trim())) return `${name} is a whole number.`;
    const number = Number(text);
    if (!text.trim() || Number.isNaN(number)) return `${name} is a number.`;
    if (Math.abs(number) > SAFE) return `${name} must be between -2^53 and 2^53.`;
    if (given(option.min_value) && number < option.min_value) return `${name} must be at least ${option.min_value}.`;
    if (given(option.max_value) && number > option.max_value) return `${name} must be at most ${option.max_value}.`;
  }
  return "";
}
