// Making and changing elements. Text is only ever text: nothing here parses HTML.
const byId = (id) => document.getElementById(id);

/// make('p', {class: 'x'}, 'text', child): attributes that are null or false are left out.
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children);
  return node;
}

function setAttribute(node, name, value) {
  if (value === null || value === false || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else {
    const text = value === true ? '' : String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/// A foreign name: shown in full as a title, and kept from turning its surroundings around.
function setName(node, text) {
  const shown = visibleText(text);
  setText(node, shown);
  setAttribute(node, 'title', shown);
}

/// Lets `parent` have one element for each of `items`, which keeps its element from one call to the next.
function reconcile(parent, items, keyOf, create, update) {
  const before = parent.elements ?? new Map();
  const now = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, node] of before) {
    if (!now.has(key)) node.remove();
  }
  let next = parent.firstChild;
  parent.elements = new Map();
  for (const [key, item] of now) {
    const node = before.get(key) ?? create(item);
    parent.elements.set(key, node);
    update(node, item);
    // An element that is moved loses the focus, so it stays wherever it can.
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
}

const ANNOUNCEMENT_PAUSE = 10000;
let lastAnnouncement = -ANNOUNCEMENT_PAUSE;
let nextAnnouncement = 0;

/// For those who hear the page: what is important is said at once, of all else the last in ten seconds.
function announce(text, important = false) {
  clearTimeout(nextAnnouncement);
  const wait = important ? 0 : lastAnnouncement + ANNOUNCEMENT_PAUSE - performance.now();
  nextAnnouncement = setTimeout(() => {
    lastAnnouncement = performance.now();
    setText(byId('announcer'), text);
  }, wait);
}
