// @ts-check
// Elements made of texts: nothing here, and nothing else in the page, makes markup of a text.

/**
 * @typedef {Node | string | null | undefined | false} Child
 */

/**
 * An element with attributes and children. Strings become texts.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...Child} children
 * @returns {HTMLElement}
 */
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...present(children));
  return made;
}

/**
 * The children that there are.
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function present(children) {
  const found = [];
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) found.push(child);
  }
  return found;
}

/**
 * A button that does something.
 * @param {string} label
 * @param {() => void} act
 * @param {Record<string, string>} attributes
 * @returns {HTMLElement}
 */
function button(label, act, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", act);
  return made;
}

/**
 * A text of a dataset or a model, which may be written from right to left.
 * @param {string} given
 * @returns {HTMLElement}
 */
function bdi(given) {
  return element("bdi", {}, given);
}

/**
 * A long text with a heading.
 * @param {string} title
 * @param {...Child} content
 * @returns {HTMLElement}
 */
function block(title, ...content) {
  return element(
    "div",
    { class: "text" },
    element("h4", {}, title),
    element("pre", { dir: "auto", tabindex: "0", "aria-label": title, role: "region" }, ...content),
  );
}

/**
 * The parts of a diff as marked text.
 * @param {Part[]} parts
 * @returns {Node[]}
 */
function marked(parts) {
  return parts.map((part) => {
    if (part.op === "both") return document.createTextNode(part.text);
    return element(part.op === "removed" ? "del" : "ins", {}, part.text);
  });
}
