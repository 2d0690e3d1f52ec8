// The few things we ask of the document.

/** The element with this id, which the page has. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element: its attributes (`null` and `false` leave one out), then its children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

/** An icon of the sheet. Icons decorate a word that stands beside them, so no reader is told of them. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `/pages/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A person's name in its own direction: a Hebrew name does not turn an English line around. */
export function nameText(name) {
  return element('bdi', { class: 'name', dir: 'auto' }, name);
}

/** Gives a button an icon and a word. */
export function face(button, iconName, word) {
  if (button.dataset.icon === iconName && button.textContent === word) return;
  button.dataset.icon = iconName;
  button.replaceChildren(icon(iconName), element('span', {}, word));
}

/** Says `message` in `place`, or hides the place when there is nothing to say. */
export function say(place, message) {
  place.textContent = message ?? '';
  place.hidden = !message;
}

/** Runs `work` with `button` out of use and wearing `word`; a second press does nothing. */
export async function busy(button, word, work) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  const before = button.textContent;
  // Not `disabled`: that would take the focus away and leave a keyboard user at the top of the page.
  button.setAttribute('aria-disabled', 'true');
  button.textContent = word;
  try {
    await work();
  } finally {
    button.removeAttribute('aria-disabled');
    button.textContent = before;
  }
}
