// The messages, oldest first, in the order of their ids; the view follows the newest unless somebody reads above.

import { Attempt, Message } from "./message.js";

const COMMAND = 2, COMPONENT = 3;
/** Pixels from the end that still count as being there. */
const NEAR = 80;

export class Feed {
  constructor(scroll, list, newest, page) {
    this.scroll = scroll;
    this.list = list;
    this.newest = newest;
    this.page = page;
    this.messages = new Map();
    this.attempts = new Map();
    this.dismissed = new Set(JSON.parse(sessionStorage.getItem("dismissed") ?? "[]"));
    this.following = true;
    let top = 0;
    scroll.addEventListener("scroll", () => {
      // Growth at the end is nobody's wish to read above; going up is.
      if (scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR) this.following = true;
      else if (scroll.scrollTop < top) this.following = false;
      top = scroll.scrollTop;
      if (this.following) newest.hidden = true;
    });
    newest.addEventListener("click", () => this.end());
    // Pictures take their place when they are loaded, and streamed text grows.
    new ResizeObserver(() => this.#keep()).observe(list);
    new ResizeObserver(() => this.#keep()).observe(scroll);
  }

  /** Everything there is; whatever else was shown goes. */
  reset(messages, interactions) {
    const there = new Set([...messages, ...interactions].map((one) => one.id));
    for (const id of [...this.messages.keys(), ...this.attempts.keys()]) if (!there.has(id)) this.remove(id);
    for (const message of messages) this.put(message);
    // What became of earlier presses may have been told to nobody.
    for (const view of this.messages.values()) {
      view.busy.clear();
      view.state();
    }
    for (const interaction of interactions) this.follow(interaction);
  }

  clear() {
    this.reset([], []);
    this.following = true;
  }

  put(data) {
    if (this.dismissed.has(data.id)) return;
    const known = this.messages.get(data.id);
    const view = known ?? new Message(this.page);
    view.update(data);
    if (known) return;
    this.messages.set(data.id, view);
    this.#insert(view.element, data.id);
  }

  remove(id) {
    for (const views of [this.messages, this.attempts]) {
      views.get(id)?.element.remove();
      views.delete(id);
    }
  }

  dismiss(id) {
    this.dismissed.add(id);
    sessionStorage.setItem("dismissed", JSON.stringify([...this.dismissed]));
    this.remove(id);
  }

  /** One of the member's own interactions changed. */
  follow(interaction) {
    const { id, kind, answered, failed, message, component } = interaction;
    if (kind === COMMAND) {
      if (answered !== null) {
        this.remove(id);
        return;
      }
      const known = this.attempts.get(id);
      const view = known ?? new Attempt(this.page.me());
      view.update(interaction);
      if (!known) {
        this.attempts.set(id, view);
        this.#insert(view.element, id);
        this.end();
      }
    } else if (kind === COMPONENT) {
      const view = this.messages.get(message);
      if (!view) return;
      if (answered === null && !failed) {
        view.busy.add(component);
        view.failure = "";
      } else {
        view.busy.delete(component);
        view.failure = answered === null ? failed : "";
      }
      view.state();
    }
  }

  end() {
    this.following = true;
    this.newest.hidden = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  #insert(element, id) {
    const own = BigInt(id);
    let before = null;
    for (let other = this.list.lastElementChild; other; other = other.previousElementSibling) {
      if (BigInt(other.dataset.id) < own) break;
      before = other;
    }
    element.dataset.id = id;
    this.list.insertBefore(element, before);
    if (!this.following && before === null) this.newest.hidden = false;
  }

  #keep() {
    if (this.following) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}
