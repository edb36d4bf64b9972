/** DOM helpers. */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | number>} [attributes] true: without a value; false: omitted
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function create(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** Inline the icons, so that they show even if the server is unreachable; the server's bundle has them in the page. */
export async function loadIcons() {
  if (document.getElementById("icon-mark")) return;
  const file = await fetch("page/icons.svg");
  const icons = new DOMParser().parseFromString(await file.text(), "image/svg+xml").documentElement;
  icons.setAttribute("hidden", "");
  document.body.append(document.importNode(icons, true));
}

/**
 * @param {string} name a symbol of icons.svg
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** @param {string} text */
export function capitalize(text) {
  return text[0].toUpperCase() + text.slice(1);
}

/**
 * A labelled slider. `input` is called during a drag, `change` at its end.
 *
 * @param {object} options
 * @param {string} options.label
 * @param {number} options.min
 * @param {number} options.max
 * @param {number} options.step
 * @param {number} options.value
 * @param {(value: number) => string} options.format
 * @param {(value: number) => void} options.input
 * @param {(value: number) => void} [options.change]
 * @param {string} [options.testId]
 */
export function slider({ label, min, max, step, value, format, input, change = () => {}, testId }) {
  const named = { "aria-label": label, ...(testId && { "data-testid": testId }) };
  const range = create("input", { type: "range", min, max, step, ...named });
  const output = create("span", { class: "value", "aria-hidden": "true" });
  const show = () => {
    output.textContent = format(range.valueAsNumber);
    range.setAttribute("aria-valuetext", output.textContent);
    range.style.setProperty("--fraction", String((range.valueAsNumber - min) / (max - min)));
    range.style.setProperty("--origin", String(Math.max(0, -min) / (max - min)));
  };
  const set = (/** @type {number} */ to) => {
    range.valueAsNumber = to;
    show();
  };
  range.addEventListener("input", () => {
    show();
    input(range.valueAsNumber);
  });
  range.addEventListener("change", () => change(range.valueAsNumber));
  set(value);
  const element = create("div", { class: "slider" }, create("span", {}, label), output, range);
  return { element, range, set };
}
