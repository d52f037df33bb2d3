// `ansi` code blocks: Discord's subset of SGR (0, 1, 4, 30-37, 40-47). Every other control character is written out.

import { h } from "./dom.js";

const SGR = /\x1b\[([0-9;]*)m/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

const spell = (text) =>
  text.replace(CONTROLS, (character) => `\\x${character.codePointAt(0).toString(16).padStart(2, "0")}`);

/** The inside of the block as a list of text and spans, one for each run of one look. */
export function ansi(text) {
  const nodes = [];
  let look = { bold: false, underline: false, fore: null, back: null };
  text.split(SGR).forEach((piece, index) => {
    if (index % 2) look = piece.split(";").reduce(applied, look);
    else if (piece) nodes.push(run(spell(piece), look));
  });
  return nodes;
}

function applied(look, code) {
  const number = Number(code || 0);
  if (number === 0) return { bold: false, underline: false, fore: null, back: null };
  if (number === 1) return { ...look, bold: true };
  if (number === 4) return { ...look, underline: true };
  if (number >= 30 && number <= 37) return { ...look, fore: number };
  if (number >= 40 && number <= 47) return { ...look, back: number };
  return look;
}

function run(text, look) {
  const classes = [
    look.bold && "bold",
    look.underline && "underline",
    look.fore && `sgr${look.fore}`,
    look.back && `sgr${look.back}`,
  ].filter(Boolean);
  return classes.length ? h("span", { class: classes.join(" ") }, text) : text;
}
