// Puts the page together: what the sandbox tells goes to the feed, the message box and the panel; what people do goes back.

import { channels, members, Panel, servers } from "./around.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { avatar, h } from "./dom.js";
import { Feed } from "./feed.js";
import { icon } from "./icons.js";
import { Lightbox } from "./lightbox.js";
import { Modals } from "./modal.js";
import { welcome } from "./welcome.js";
import { Wire } from "./wire.js";

const $ = (id) => document.getElementById(id);

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
  tell({ connection: connected ? "" : "The sandbox does not respond. Reconnecting…" }),
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
  commands: () => state.commands,
  use: (name, target, message) => act(ask("menu", { name, target }), message),
  enlarge: (url, alt) => lightbox.open(url, alt),
};

const feed = new Feed($("scroll"), $("feed"), $("newest"), page);
const composer = new Composer($("composer"), page);
const wire = new Wire($("wire"), $("watch"), ask);
const modals = new Modals($("modal"), page, (interaction, values) => ask("submit", { interaction, values }));

const lightbox = new Lightbox($("lightbox"), () => composer.focus());
const places = new Panel($("places"), $("menu"), "48rem");
new Panel($("members"), $("roster"), "68rem");

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
      state.welcome = data.welcome;
      composer.offer(data.commands);
      greet();
      break;
    case "bot":
      state.bot = data.bot;
      surround();
      break;
    case "welcome":
      state.welcome = data.welcome;
      greet();
      break;
    case "lacking":
      lack(data.what);
      break;
    case "wire":
      wire.add(data.entries, data.replace);
      break;
    default:
      throw new Error(`Unknown frame from the sandbox: ${data.type}`);
  }
}

/** Say that the bot asked for something that Discord has and the sandbox has not; each thing once. */
function lack(what) {
  const box = $("lacking");
  const line = `The sandbox does not support ${what}. On Discord this may work.`;
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
  surround();
  if (!$("wire").hidden) wire.watch();
}

/** The channel of the guild that one is in, or was in before the direct messages. */
function here() {
  return state.places.find(({ id }) => id === state.channel) ?? state.places.find(({ id }) => id === place.channel) ?? state.places[0];
}

/** Everything around the messages. */
function surround() {
  const { me, direct, guild, bot } = state;
  const channel = here();
  place.channel = channel.id;
  $("member").replaceChildren(...state.people.filter((one) => !one.bot).map((one) => h("option", { value: one.id }, one.name)));
  $("member").value = me;
  $("face").replaceChildren(avatar(page.me()));
  $("servers").replaceChildren(...servers(state, channel, move).flat());
  $("server").textContent = direct ? "Direct messages" : guild.name;
  $("channels").replaceChildren(...[channels(state, channel, move)].flat());
  $("members").replaceChildren(...members(state).flat());
  $("sign").textContent = direct ? "@" : "#";
  $("here").textContent = direct ? bot.name : channel.name;
  document.title = direct ? "Direct messages · Sandbox" : `#${channel.name} · Sandbox`;
  const dot = h("span", { class: bot.online ? "dot on" : "dot", "aria-hidden": "true" }, bot.online ? "●" : "○");
  $("presence").replaceChildren(dot, ` ${bot.name} is ${bot.online ? "online" : "offline"}`);
  greet();
}

let greeted = "";
/** Draw the welcome, unless it is the same as before: its buttons may have the focus. */
function greet() {
  const key = JSON.stringify([state.bot, state.direct, here().id, state.welcome ?? state.commands]);
  if (key === greeted) return;
  greeted = key;
  $("welcome").replaceChildren(...welcome(state, here().name, { run, begin: (title) => composer.begin(title) }).flat().filter(Boolean));
}

// --- what people do

function go(change) {
  Object.assign(place, change);
  sessionStorage.setItem("member", place.member);
  sessionStorage.setItem("place", place.place);
  $("modal").close();
  connection.open(place);
}

/** Go to a channel, by its id, or to the direct messages. */
function move(where) {
  places.leave();
  go({ place: where });
  composer.focus();
}

/** Send a command as it stands. */
async function run(line) {
  page.complain("");
  try {
    await ask("line", { line });
  } catch (error) {
    page.complain(error.message);
  }
}

$("member").addEventListener("change", (event) => go({ member: event.target.value }));
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
  $("theme").textContent = now === "dark" ? "☀" : "☾";
  $("theme").setAttribute("aria-label", now === "dark" ? "Change to light colours" : "Change to dark colours");
}
$("theme").addEventListener("click", () => {
  localStorage.setItem("theme", theme() === "dark" ? "light" : "dark");
  paint();
});
dark.addEventListener("change", paint);

$("menu").append(icon("menu"));
$("roster").append(icon("people"));
paint();
connection.open(place);
composer.focus();
