// What stands around the messages: servers and channels on the left, members on the right.

import { avatar, h } from "./dom.js";
import { icon } from "./icons.js";

/** A panel that stands beside the messages in a wide window; elsewhere its button opens it over them. */
export class Panel {
  constructor(panel, button, width) {
    this.panel = panel;
    this.button = button;
    this.wide = window.matchMedia(`(min-width: ${width})`);
    this.wide.addEventListener("change", () => this.show(this.wide.matches));
    button.addEventListener("click", () => {
      this.show(panel.hidden);
      if (!panel.hidden && !this.wide.matches) (panel.querySelector("button") ?? panel).focus();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.wide.matches || panel.hidden) return;
      this.show(false);
      button.focus();
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (!panel.contains(target) && !button.contains(target)) this.leave();
    });
    this.show(this.wide.matches);
  }

  show(open) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
  }

  /** What it was opened for is done. */
  leave() {
    if (!this.wide.matches) this.show(false);
  }
}

/** The round icons: the direct messages, then each server. `go(place)` is called for the one that is pressed. */
export function servers(state, here, go) {
  const guilds = new Map();
  for (const place of state.places) if (!guilds.has(place.guild_id)) guilds.set(place.guild_id, place);
  const one = (label, current, face, place) =>
    h(
      "li",
      {},
      h("button", { type: "button", "aria-label": label, title: label, "aria-current": current ? "true" : null, on: { click: () => go(place) } }, face),
    );
  const places = [...guilds].map(([id, first]) => {
    const current = !state.direct && id === state.guild.id;
    // One comes back to the channel that one left.
    return one(first.guild, current, initials(first.guild), here.guild_id === id ? here.id : first.id);
  });
  return [one("Direct messages", state.direct, icon("talk"), "direct"), h("li", { class: "rule", role: "presentation" }), places];
}

/** The channels of the server, or the one conversation of the direct messages. */
export function channels(state, here, go) {
  const item = (sign, name, place, current) =>
    h("li", {}, h("button", { type: "button", "aria-current": current ? "page" : null, on: { click: () => go(place) } }, h("span", { class: "sign", "aria-hidden": "true" }, sign), name));
  if (state.direct) return h("ul", { "aria-label": "Conversations" }, item("@", state.bot.name, "direct", true));
  const own = state.places.filter((place) => place.guild_id === state.guild.id);
  return [h("h3", {}, "Text channels"), h("ul", { "aria-label": "Text channels" }, own.map(({ id, name }) => item("#", name, id, id === here.id)))];
}

/** Everybody here, by whether they are there. */
export function members(state) {
  const there = (person) => !person.bot || state.bot.online;
  const here = state.direct ? state.people.filter(({ id, bot }) => bot || id === state.me) : state.people;
  const people = [...here].sort((one, other) => one.name.localeCompare(other.name));
  return [["Online", people.filter(there)], ["Offline", people.filter((person) => !there(person))]]
    .filter(([, some]) => some.length)
    .map(([title, some]) => [
      h("h3", {}, `${title} — ${some.length}`),
      h("ul", { "aria-label": title, class: title.toLowerCase() }, some.map((person) => member(person, person.id === state.me))),
    ]);
}

function member({ name, bot, roles }, own) {
  return h(
    "li",
    { title: roles.length ? `Roles: ${roles.join(", ")}` : null },
    avatar(name),
    h("span", { class: "name" }, name),
    bot && h("span", { class: "tag" }, "APP"),
    own && h("small", {}, "you"),
  );
}

const initials = (name) => name.split(/\s+/).map((word) => [...word][0]?.toUpperCase() ?? "").slice(0, 3).join("");
