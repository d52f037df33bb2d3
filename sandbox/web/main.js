// Puts the page together: what the sandbox tells goes to the feed, the message box and the panel; what people do goes back.

import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { h } from "./dom.js";
import { Feed } from "./feed.js";
import { Modals } from "./modal.js";
import { Picker } from "./picker.js";
import { Wire } from "./wire.js";

const $ = (id) => document.getElementById(id);
const MESSAGE_MENU = 3, USER_MENU = 2;

let state = null;
const place = {
  member: sessionStorage.getItem("member") ?? "",
  place: sessionStorage.getItem("place") ?? "channel",
};

/** What is wrong: with the connection, else with what was done last. */
const trouble = { connection: "", choice: "" };
function tell(what) {
  Object.assign(trouble, what);
  $("lost").textContent = trouble.connection || trouble.choice;
  $("lost").hidden = !$("lost").textContent;
}

const connection = new Connection(take, (connected) =>
  tell({ connection: connected ? "" : "The sandbox does not answer. It is being called again…" }),
);
const ask = (what, content) => connection.ask(what, content);

const named = (list, id, otherwise) => list.find((one) => one.id === id)?.name ?? otherwise;
const page = {
  ask,
  names: {
    user: (id) => named(state.people, id, "unknown-user"),
    role: (id) => named(state.roles, id, "unknown-role"),
    channel: (id) => named(state.channels, id, "unknown"),
    command: (title) => composer.begin(title),
  },
  get messages() {
    return feed.messages;
  },
  get limits() {
    return state.limits;
  },
  me: () => named(state.people, state.me, "You"),
  /** The sandbox's own files, under the name by which this page was opened. */
  local: (url) => (url?.startsWith(`${state.base}/`) ? location.origin + url.slice(state.base.length) : url),
  /** What a menu of this type offers: people (5), roles (6), both (7), channels (8). */
  offered: (type) => {
    const items = (list, sign) => list.map((one) => ({ label: `${sign}${one.name}`.replace("@@", "@"), value: one.id }));
    const people = type === 5 || type === 7 ? items(state.people, "@") : [];
    const roles = type === 6 || type === 7 ? items(state.roles, "@") : [];
    return type === 8 ? items(state.channels, "#") : [...people, ...roles];
  },
  complain: (why) => tell({ choice: why }),
  press: (message, component) => act(ask("press", { message, component }), message),
  select: (message, component, values) => act(ask("select", { message, component, values }), message),
  dismiss: (id) => {
    feed.dismiss(id);
    composer.focus();
  },
  menus,
};

const feed = new Feed($("scroll"), $("feed"), $("newest"), page);
const composer = new Composer($("composer"), page);
const wire = new Wire($("wire"), $("watch"), ask);
const modals = new Modals($("modal"), page, (interaction, values) => ask("submit", { interaction, values }));

/** A press that the sandbox refuses is told under its message. */
async function act(question, message) {
  page.complain("");
  try {
    await question;
  } catch (error) {
    const view = feed.messages.get(message);
    if (!view) return;
    view.failure = error.message;
    view.state();
  }
}

/** Commands of the menus of a message and of its author, where there are any. */
function menus(message) {
  const offered = state.commands.filter((command) => command.type === MESSAGE_MENU || command.type === USER_MENU);
  if (!offered.length || message.thinking) return null;
  const opener = h("button", { type: "button", class: "plain", role: "combobox", "aria-haspopup": "listbox", "aria-label": "Apps: commands for this message" }, "⋯");
  const box = h("span", { class: "selectbox" }, opener);
  const picker = new Picker(opener, box, "Apps");
  const items = offered.map((command) => ({
    label: command.name,
    detail: command.type === USER_MENU ? `about ${page.names.user(message.author.id)}` : "about this message",
    pick: () => {
      picker.hide();
      act(ask("menu", { name: command.name, target: command.type === USER_MENU ? message.author.id : message.id }), message.id);
    },
  }));
  opener.addEventListener("click", () => (picker.open ? picker.hide() : picker.show(items)));
  opener.addEventListener("keydown", (event) => picker.key(event, { tab: false }));
  opener.addEventListener("blur", () => picker.hide());
  return box;
}

// --- what the sandbox tells

function take(data) {
  switch (data.type) {
    case "state":
      begin(data);
      break;
    case "message":
      feed.put(data.message);
      break;
    case "gone":
      feed.remove(data.id);
      break;
    case "interaction":
      feed.follow(data.interaction);
      modals.follow(data.interaction);
      break;
    case "modal":
      modals.open(data.id, data.modal);
      break;
    case "choices":
      composer.suggested(data);
      break;
    case "commands":
      state.commands = data.commands;
      composer.offer(data.commands);
      feed.redraw();
      break;
    case "bot":
      state.bot = data.bot;
      presence();
      break;
    case "lacking":
      lack(data.what);
      break;
    case "wire":
      wire.add(data.entries, data.replace);
      break;
    default:
      throw new Error(`The sandbox told something unknown: ${data.type}`);
  }
}

/** Say that the bot asked for something that Discord has and the sandbox has not; each thing once. */
function lack(what) {
  const box = $("lacking");
  const line = `The sandbox lacks ${what}. On Discord this may work.`;
  if ([...box.children].some((one) => one.textContent === line)) return;
  box.append(Object.assign(document.createElement("span"), { textContent: line }));
  box.hidden = false;
}

function begin(data) {
  const moved = state === null || state.me !== data.me || state.channel !== data.channel || state.base !== data.base;
  state = data;
  if (moved) feed.clear();
  feed.reset(data.messages, data.interactions);
  $("earlier").hidden = !data.earlier;
  composer.offer(data.commands);
  members();
  places();
  presence();
  if (!$("wire").hidden) wire.watch();
}

function members() {
  const people = state.people.filter((one) => !one.bot);
  $("member").replaceChildren(...people.map((one) => h("option", { value: one.id }, one.name)));
  $("member").value = state.me;
}

/** The channel of the guild that one is in, or was in before the direct messages. */
function here() {
  return state.places.find(({ id }) => id === state.channel) ?? state.places.find(({ id }) => id === place.channel) ?? state.places[0];
}

function places() {
  const { id, name } = here();
  place.channel = id;
  $("here").textContent = name;
  $("elsewhere").hidden = state.places.length < 2;
  const several = new Set(state.places.map((one) => one.guild)).size > 1;
  $("where").replaceChildren(...state.places.map((one) => h("option", { value: one.id }, several ? `${one.guild} › #${one.name}` : `#${one.name}`)));
  $("where").value = id;
  for (const button of $("places").querySelectorAll("button")) {
    const here = (button.dataset.place === "direct") === state.direct;
    button.setAttribute("aria-pressed", String(here));
  }
  document.title = state.direct ? "Direct messages · Sandbox" : `#${name} · Sandbox`;
}

function presence() {
  const { name, online, api_url: api, gateway_url: gateway, token } = state.bot;
  $("presence").replaceChildren(h("span", { class: online ? "dot on" : "dot", "aria-hidden": "true" }, online ? "●" : "○"), ` ${name} is ${online ? "online" : "offline"}`);
  const code = (text) => h("code", {}, text);
  const hello = online
    ? ["Type ", code("/"), ` to see what ${name} can do. Nothing here leaves your machine.`]
    : ["Waiting for a bot. Point one at this Discord before it starts: HTTP API ", code(api), ", gateway ", code(gateway), ", token ", code(token), "."];
  $("welcome").replaceChildren(h("h1", {}, state.direct ? `Direct messages with ${name}` : `Welcome to #${here().name}`), h("p", {}, hello));
}

// --- what people do

function go(change) {
  Object.assign(place, change);
  sessionStorage.setItem("member", place.member);
  sessionStorage.setItem("place", place.place);
  $("modal").close();
  connection.open(place);
}

$("member").addEventListener("change", (event) => go({ member: event.target.value }));
$("places").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) go({ place: button.dataset.place === "direct" ? "direct" : place.channel ?? "channel" });
});
$("where").addEventListener("change", (event) => go({ place: event.target.value }));
$("earlier").addEventListener("click", async () => {
  const [first] = feed.list.children;
  try {
    const { messages, earlier } = await ask("earlier", { before: first.dataset.id });
    feed.following = false;
    for (const message of messages) feed.put(message);
    first.scrollIntoView();
    $("earlier").hidden = !earlier;
  } catch (error) {
    tell({ choice: error.message });
  }
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  composer.focus();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog, [role=combobox]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  composer.type("/");
});

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const theme = () => localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light");
function paint() {
  const now = theme();
  document.documentElement.dataset.theme = now;
  $("theme").textContent = now === "dark" ? "☀ Light" : "☾ Dark";
  $("theme").setAttribute("aria-label", now === "dark" ? "Change to light colours" : "Change to dark colours");
}
$("theme").addEventListener("click", () => {
  localStorage.setItem("theme", theme() === "dark" ? "light" : "dark");
  paint();
});
dark.addEventListener("change", paint);

paint();
connection.open(place);
composer.focus();
