/** The page's language: its texts, the direction of writing, the chooser. */

import { LANGUAGES, isRightToLeft, language, matchLanguage, setLanguage, t } from "../i18n/translate.js";
import { byId, create } from "./elements.js";

const AUTO = "auto";

/** What an element's `data-t...` attributes set. @type {Record<string, string>} */
const ATTRIBUTES = { "data-t-label": "aria-label", "data-t-title": "title", "data-t-role": "aria-roledescription" };

/**
 * Load the user's language and write the page's texts in it.
 *
 * @param {import("../state/preferences.js").Preferences} preferences
 */
export async function initLanguage(preferences) {
  const chosen = matchLanguage(preferences.values.language, navigator.languages);
  try {
    await setLanguage(chosen);
  } catch {
    // Its texts could not be loaded: stay with English.
  }
  const root = document.documentElement;
  root.lang = language();
  root.dir = isRightToLeft() ? "rtl" : "ltr";
  translatePage();
  initChooser(preferences);
}

function translatePage() {
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = t(/** @type {import("../i18n/translate.js").Key} */ (element.getAttribute("data-t")));
  }
  for (const [source, target] of Object.entries(ATTRIBUTES)) {
    for (const element of document.querySelectorAll(`[${source}]`)) {
      const key = /** @type {import("../i18n/translate.js").Key} */ (element.getAttribute(source));
      element.setAttribute(target, t(key));
    }
  }
}

/**
 * The page is loaded again in another language; the work is stored and goes on.
 *
 * @param {import("../state/preferences.js").Preferences} preferences
 */
function initChooser(preferences) {
  const select = byId("language", HTMLSelectElement);
  const automatic = create("option", { value: AUTO }, t("app.language.auto"));
  const options = Object.entries(LANGUAGES).map(([value, { name }]) => create("option", { value, lang: value }, name));
  select.append(automatic, ...options);
  const { language: choice } = preferences.values;
  select.value = choice in LANGUAGES ? choice : AUTO;
  select.addEventListener("change", () => {
    preferences.set({ language: select.value });
    location.reload();
  });
}
