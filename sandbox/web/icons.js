// The page's few icons, drawn in the colour of the text around them.

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  menu: "M3 6h18M3 12h18M3 18h18",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c0-4 2.7-6 6.5-6s6.5 2 6.5 6M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.4c2.2.8 3.5 2.700 3.5 5.6",
  talk: "M4 5h16v11H10l-5 4v-4H4Z",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  apps: "M4 4h6v6H4ZM14 4h6v6h-6ZM4 14h6v6H4ZM17 14v6M14 17h6",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: "glyph" })) svg.setAttribute(key, value);
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
