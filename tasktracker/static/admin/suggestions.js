/* One key for a suggestion of the duplicate search: 1, 2, 3 choose, m merges, n says "not a duplicate".
 * In the queue j and k go from one issue with suggestions to the next; nothing fires before one is chosen.
 * After a decision nothing is chosen, and j goes on from where it was; a list that refreshes itself keeps what is.
 * The hooks are [data-suggestions], [data-suggestion] and [data-verb] of templates/admin/issues/issue/.
 */
(() => {
  "use strict";

  const VERBS = { m: "merge", n: "not_duplicate" };
  const TYPED_IN = "textarea, select, input:not([type=checkbox], [type=radio], [type=submit], [type=button])";

  const PLACE = `suggestions:${location.pathname}${location.search}`;

  let current = null; // the group whose suggestions the keys mean
  let place = null; // its number among the groups, also when it is gone
  let isSent = false;

  const groups = () => [...document.querySelectorAll("[data-suggestions]")];

  function group() {
    if (current && current.isConnected) return current;
    const all = groups();
    // On the page of an issue there is one; in a list nobody has chosen yet.
    return all.length === 1 && all[0].matches("section") ? all[0] : null;
  }

  function isTyping(target) {
    if (!(target instanceof Element)) return false;
    return target.matches(TYPED_IN) || target.isContentEditable || document.querySelector("dialog[open]") !== null;
  }

  /** The letter of the key's place on the keyboard when a Ukrainian layout gives another one. */
  function keyOf(event) {
    if (/^[a-z0-9]$/i.test(event.key)) return event.key.toLowerCase();
    const place = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code || "");
    return place ? place[1].toLowerCase() : "";
  }

  function choose(chosen, item) {
    document.querySelectorAll("[data-suggestion][aria-current]").forEach((old) => old.removeAttribute("aria-current"));
    document.querySelectorAll("[data-suggestions].is-current").forEach((old) => old.classList.remove("is-current"));
    current = chosen;
    place = groups().indexOf(chosen);
    chosen.classList.add("is-current");
    item?.setAttribute("aria-current", "true");
    (item || chosen).scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const all = groups();
    if (!all.length) return;
    let next = all.indexOf(current) + by;
    if (!all.includes(current)) next = (place ?? (by > 0 ? 0 : all.length)) + Math.min(0, by);
    next = Math.min(all.length - 1, Math.max(0, next));
    choose(all[next], all[next].querySelector("[data-suggestion]"));
  }

  /** In a list that was put in place of the old one: the same suggestion of the same issue, or nothing. */
  function chooseAgain() {
    if (!current || current.isConnected) return;
    const issue = current.dataset.suggestions;
    const other = current.querySelector("[data-suggestion][aria-current]")?.dataset.suggestion;
    const row = groups().find((one) => one.dataset.suggestions === issue);
    const item = [...(row?.querySelectorAll("[data-suggestion]") ?? [])].find((one) => one.dataset.suggestion === other);
    if (item) choose(row, item);
  }

  function press(verb) {
    const chosen = group();
    if (!chosen || isSent) return false;
    const item = chosen.querySelector("[data-suggestion][aria-current]") || chosen.querySelector("[data-suggestion]");
    const button = item?.querySelector(`[data-verb="${verb}"]`);
    if (!button) return false;
    isSent = true;
    button.click();
    return true;
  }

  function onKey(event) {
    if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) return;
    const key = keyOf(event);
    if (key in VERBS) {
      if (press(VERBS[key])) event.preventDefault();
    } else if (key === "j" || key === "k") {
      step(key === "j" ? 1 : -1);
    } else if (/^[1-3]$/.test(key)) {
      const chosen = group();
      const item = chosen?.querySelectorAll("[data-suggestion]")[Number(key) - 1];
      if (item) choose(chosen, item);
    }
  }

  const before = sessionStorage.getItem(PLACE);
  if (before !== null) place = Number(before);
  sessionStorage.removeItem(PLACE);

  document.addEventListener("keydown", onKey);
  document.addEventListener("live:list-replaced", chooseAgain);
  document.addEventListener("submit", () => {
    if (current?.isConnected) sessionStorage.setItem(PLACE, place);
  });
  // Whoever looks at a row's suggestions with the mouse means them.
  document.addEventListener("focusin", (event) => {
    const chosen = event.target instanceof Element && event.target.closest("[data-suggestions]");
    if (chosen) choose(chosen, event.target.closest("[data-suggestion]"));
  });
  window.addEventListener("pageshow", () => {
    isSent = false;
  });
})();
