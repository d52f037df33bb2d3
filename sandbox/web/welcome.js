// What the page opens with: what the bot is, and something to click.

import { targets } from "./commands.js";
import { h } from "./dom.js";

/** Commands that are named where whoever started the sandbox has given no examples. */
const SOME = 6;

/**
 * `state` is what the sandbox told; `place` what the channel is called. `hands`: `run(line)` sends a command as it stands,
 * `begin(title)` puts one into the message box.
 */
export function welcome(state, place, hands) {
  const { name, online } = state.bot;
  const title = h("h1", {}, state.direct ? `Direct messages with ${name}` : `Welcome to #${place}`);
  if (!online) return [title, address(state.bot)];
  const given = state.welcome;
  if (given) {
    const examples = given.examples.map(({ question, line, ready }) =>
      ready ? card(question, line, `Run ${line}`, () => hands.run(line)) : waiting(question),
    );
    return [title, given.text.split("\n").map((line) => h("p", {}, line)), list(examples)];
  }
  const there = targets(state.commands);
  const hello = there.length
    ? `${name} has ${there.length === 1 ? "one command" : `${there.length} commands`}. Choose one, or type / to find another.`
    : `${name} has registered no commands yet.`;
  const some = there.slice(0, SOME).map((one) =>
    card(one.description, `/${one.title}`, `Fill in /${one.title}`, () => hands.begin(one.title)),
  );
  return [title, h("p", {}, hello, " Nothing here leaves your machine."), list(some)];
}

const list = (cards) => cards.length > 0 && h("ul", { class: "examples" }, cards.map((one) => h("li", {}, one)));

function card(question, line, label, click) {
  return h("button", { type: "button", title: label, on: { click } }, h("b", {}, question), h("code", {}, line));
}

function waiting(question) {
  return h("button", { type: "button", disabled: true }, h("b", {}, question), h("span", {}, "Loading …"));
}

function address({ api_url: api, gateway_url: gateway, token }) {
  const code = (text) => h("code", {}, text);
  return h(
    "p", {}, "Waiting for a bot. Point it at this local Discord before it starts: HTTP API ", code(api), ", gateway ", code(gateway),
    ", token ", code(token), ".",
  );
}
