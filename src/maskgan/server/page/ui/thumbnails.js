/**
 * Thumbnails of the open face with each named edit: asked for when they come into view, one at a time, and kept until
 * another face is opened.
 *
 * @typedef {import("./app.js").App} App
 *
 * @typedef {object} Thumbnail
 * @property {string} name of the edit
 * @property {string | null} choice
 * @property {HTMLImageElement} image
 * @property {(reason: string | null) => void} refused told why the face cannot be edited so; null: it can
 */

import { ApiError } from "../remote/api.js";

const RETRIES = 5;

export class Thumbnails {
  #app;
  /** @type {Map<Element, Thumbnail>} by image */
  #thumbnails = new Map();
  /** @type {Thumbnail[]} in the order in which they came into view */
  #wanted = [];
  #observer;
  #controller = new AbortController();
  #loading = false;

  /**
   * @param {App} app
   * @param {HTMLElement} panel that scrolls
   */
  constructor(app, panel) {
    this.#app = app;
    this.#observer = new IntersectionObserver((entries) => this.#seen(entries), { root: panel, rootMargin: "120px" });
    app.addEventListener("open", () => this.#restart());
  }

  /** @param {Thumbnail} thumbnail */
  add(thumbnail) {
    this.#thumbnails.set(thumbnail.image, thumbnail);
    if (this.#app.project) this.#observer.observe(thumbnail.image);
  }

  #restart() {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#wanted = [];
    this.#loading = false;
    this.#observer.disconnect();
    for (const { image, refused } of this.#thumbnails.values()) {
      URL.revokeObjectURL(image.src);
      image.removeAttribute("src");
      refused(null);
      this.#observer.observe(image);
    }
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const thumbnail = this.#thumbnails.get(target);
      if (!thumbnail) continue;
      this.#wanted = this.#wanted.filter((other) => other !== thumbnail);
      if (isIntersecting) this.#wanted.push(thumbnail);
    }
    void this.#load();
  }

  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    const { signal } = this.#controller;
    for (let next = this.#wanted.shift(); next && !signal.aborted; next = this.#wanted.shift()) {
      this.#observer.unobserve(next.image);
      await this.#fetch(next, signal);
    }
    if (!signal.aborted) this.#loading = false;
  }

  /**
   * @param {Thumbnail} thumbnail
   * @param {AbortSignal} signal
   */
  async #fetch({ name, choice, image, refused }, signal) {
    for (let attempt = 0; attempt < RETRIES && !signal.aborted; attempt++) {
      try {
        const picture = await this.#app.openProject.remote.editThumbnail(name, choice, signal);
        if (!signal.aborted) image.src = URL.createObjectURL(picture);
        return;
      } catch (error) {
        if (signal.aborted || !(error instanceof ApiError)) return;
        if (error.status === 400) refused(error.message);
        if (error.retryAfter === null) return;
        await new Promise((resolve) => setTimeout(resolve, 1000 * Number(error.retryAfter)));
      }
    }
  }
}
