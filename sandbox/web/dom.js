// Elements are made here and nowhere from markup: text from people and bots only ever becomes text nodes.

/**
 * Make an element. `props`: `class`, `on` (listeners by event), `style` (properties by name), `data`, and attributes;
 * `true` sets an empty attribute, `false`, null and undefined set none. Children: nodes, strings, or lists of them.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The address if a browser may follow it from here (http and https), else null. */
export function safeUrl(text) {
  try {
    const url = new URL(text, location.href);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Whether an address leads to the sandbox itself: of other places nothing is loaded. */
export function isOwn(url) {
  return new URL(url, location.href).origin === location.origin;
}

/** A link that tells its target nothing about this page. */
export function link(url, ...children) {
  const safe = safeUrl(url);
  if (!safe) return h("span", {}, ...children);
  return h("a", { href: safe, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

/** Bytes for people: 812 bytes, 12.3 KB. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function clock(date) {
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

let made = 0;
/** An id that no other element of the page has. */
export function unique(prefix) {
  made += 1;
  return `${prefix}-${made}`;
}

/** A file as it travels to the sandbox: its name, and its bytes in base64. */
export async function packed(file) {
  const address = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  return { filename: file.name, content: address.slice(address.indexOf(",") + 1) };
}

/** The round picture of a person: their initial on a colour of their own. */
export function avatar(name) {
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  return h("span", { class: "avatar", "aria-hidden": "true", style: { "--hue": hue } }, [...name][0]?.toUpperCase() ?? "?");
}
