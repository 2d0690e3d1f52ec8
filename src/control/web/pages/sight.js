// What of the pictures on this page can be seen, and how large: by the browser's own observers, never frame by frame.

/** How many pixels of the display a length of the page fills. */
const pixels = (length) => Math.round(length * devicePixelRatio);

/** Looks at the tiles, and says when one is seen differently. A page in the background sees nothing. */
export class Sight {
  #onChange;
  #shown = { pictures: [], screen: null };
  /** element → `{ height, inView }`; a height in the page's pixels, `inView` unknown until the browser has looked. */
  #seen = new Map();
  #sizes = new ResizeObserver((entries) => this.#note(entries, ({ contentRect }) => ({ height: contentRect.height })));
  #views = new IntersectionObserver((entries) => this.#note(entries, ({ isIntersecting }) => ({ inView: isIntersecting })));
  /** The picture that floats above other windows, and its window, where the browser tells of one. */
  #floating = null;
  #listening = new AbortController();

  constructor(onChange) {
    this.#onChange = onChange;
    const { signal } = this.#listening;
    document.addEventListener('visibilitychange', onChange, { signal });
    // Zooming, and a display with other pixels, change no length of the page.
    window.addEventListener('resize', onChange, { signal });
    document.addEventListener('enterpictureinpicture', (event) => this.#float(event), { signal });
    document.addEventListener('leavepictureinpicture', () => this.#float(null), { signal });
  }

  /** Looks at exactly these: `{ pictures: [{ seat, element, pinned }], screen }`, where `screen` is an element or null. */
  follow(shown) {
    this.#shown = shown;
    const elements = shown.pictures.map(({ element }) => element);
    if (shown.screen) elements.push(shown.screen);
    for (const element of this.#seen.keys()) if (!elements.includes(element)) this.#forget(element);
    for (const element of elements) if (!this.#seen.has(element)) this.#begin(element);
    this.#onChange();
  }

  /** What is seen now: heights in the display's pixels, 0 what cannot be seen; null until the browser has looked. */
  look() {
    const { pictures, screen } = this.#shown;
    const seen = {
      pictures: pictures.map(({ seat, element, pinned }) => ({ seat, height: this.#heightOf(element), pinned })),
      screen: screen && this.#heightOf(screen),
    };
    const unknown = seen.pictures.some(({ height }) => height === null) || (screen && seen.screen === null);
    return unknown ? null : seen;
  }

  close() {
    this.#sizes.disconnect();
    this.#views.disconnect();
    this.#listening.abort();
    this.#seen.clear();
  }

  #heightOf(element) {
    const floating = this.#floating && element.contains(this.#floating.video) ? pixels(this.#floating.window.height) : 0;
    if (document.visibilityState !== 'visible') return floating;
    const { height, inView } = this.#seen.get(element) ?? {};
    if (inView === undefined) return null;
    return inView ? Math.max(floating, pixels(height)) : floating;
  }

  #begin(element) {
    this.#seen.set(element, { height: 0, inView: undefined });
    this.#sizes.observe(element);
    this.#views.observe(element);
  }

  #forget(element) {
    this.#seen.delete(element);
    this.#sizes.unobserve(element);
    this.#views.unobserve(element);
  }

  #note(entries, what) {
    for (const entry of entries) {
      const seen = this.#seen.get(entry.target);
      if (seen) Object.assign(seen, what(entry));
    }
    this.#onChange();
  }

  #float(event) {
    this.#floating = event && { video: event.target, window: event.pictureInPictureWindow };
    event?.pictureInPictureWindow.addEventListener('resize', this.#onChange);
    this.#onChange();
  }
}
