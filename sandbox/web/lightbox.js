// A picture over the page, as large as the window allows.

import { h, link } from "./dom.js";

export class Lightbox {
  /** `lost()` takes the focus where what opened the picture is gone. */
  constructor(dialog, lost) {
    this.dialog = dialog;
    dialog.addEventListener("click", (event) => event.target.closest("img, a") || dialog.close());
    // The browser gives the focus back to what had it before. The event comes late: another picture may be open by then.
    dialog.addEventListener("close", () => {
      if (dialog.open) return;
      dialog.replaceChildren();
      if (document.activeElement === document.body) lost();
    });
  }

  /** Show the picture at `url`, of which `alt` says what it shows. */
  open(url, alt) {
    this.dialog.replaceChildren(
      h("img", { src: url, alt }),
      h("p", {}, link(url, "Open in a new tab"), h("button", { type: "button", class: "button secondary" }, "Close")),
    );
    this.dialog.showModal();
    this.dialog.querySelector("button").focus();
  }
}
