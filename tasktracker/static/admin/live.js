/* Lists of the admin that stay fresh: on an event the list is fetched again and put in place of the old one,
 * and every data-live-every seconds, where it shows what no event tells: the time, and whether a tracker rests.
 * While rows are selected or somebody types, a button waits instead. The hook is templates/admin/live_list.html.
 */
(() => {
  "use strict";

  const DEBOUNCE = 250; // ms
  const AT_MOST_EVERY = 2000; // ms between two fetches, whatever comes in
  const EVENTS = {
    message: ["message.updated", "stats", "resync"],
    issue: ["task_created", "task_updated", "export_updated", "stats", "resync"],
    taskexport: ["export_updated", "resync"],
  };

  let hook = null;
  let corner = null;
  let waiting = 0;
  let fetchedAt = 0;

  function isBusy() {
    const list = document.querySelector(hook.dataset.liveTarget);
    const active = document.activeElement;
    return (
      list.querySelector("input.action-select:checked") !== null ||
      (list.contains(active) && active.matches("input:not([type=checkbox]), select, textarea")) ||
      document.querySelector("dialog[open]") !== null
    );
  }

  function onEvent() {
    if (isBusy()) {
      corner.button.hidden = false;
      return;
    }
    window.clearTimeout(waiting);
    const rest = Math.max(DEBOUNCE, fetchedAt + AT_MOST_EVERY - Date.now());
    waiting = window.setTimeout(refresh, rest);
  }

  async function refresh() {
    fetchedAt = Date.now();
    let answer;
    try {
      answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    } catch {
      return; // the next event tries again
    }
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (isBusy()) {
      corner.button.hidden = false;
      return;
    }
    replace(page);
  }

  function replace(page) {
    const selector = hook.dataset.liveTarget;
    const fresh = page.querySelector(selector);
    const old = document.querySelector(selector);
    if (!fresh || !old) return;
    const focused = old.contains(document.activeElement) ? nameOf(document.activeElement) : "";
    old.replaceChildren(...fresh.childNodes);
    corner.button.hidden = true;
    bindActions(old);
    if (focused) old.querySelector(focused)?.focus();
    document.dispatchEvent(new CustomEvent("live:list-replaced"));
  }

  /** By which the same thing is found in a fresh list; empty for what has no name. */
  function nameOf(element) {
    if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
    if (!element.matches("button[value]") || !element.form) return "";
    const action = CSS.escape(element.form.getAttribute("action") ?? "");
    return `form[action="${action}"] button[value="${CSS.escape(element.value)}"]`;
  }

  /** The script of the actions listens to the boxes that it found when the page was loaded. */
  function bindActions(form) {
    const boxes = form.querySelectorAll("tr input.action-select");
    const parent = form.closest(".result-list-wrapper");
    if (parent && boxes.length && window.Actions) window.Actions(boxes, { parent });
  }

  function buildCorner() {
    const box = document.createElement("div");
    box.className = "live-corner";
    const indicator = document.createElement("p");
    indicator.className = "live-indicator";
    indicator.setAttribute("role", "status");
    indicator.dataset.liveIndicator = "";
    for (const { name, value } of hook.attributes) {
      if (name.startsWith("data-text-")) indicator.setAttribute(name, value);
    }
    const dot = document.createElement("span");
    dot.className = "live-dot";
    dot.setAttribute("aria-hidden", "true");
    const text = document.createElement("span");
    text.dataset.liveText = "";
    indicator.append(dot, text);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "live-refresh";
    button.textContent = hook.dataset.textRefresh;
    button.hidden = true;
    button.addEventListener("click", () => window.location.reload());
    box.append(indicator, button);
    document.body.append(box);
    return { button };
  }

  function start() {
    hook = document.querySelector("[data-live-list]");
    if (!hook || !EVENTS[hook.dataset.liveList] || !window.live) return;
    corner = buildCorner();
    EVENTS[hook.dataset.liveList].forEach((type) => {
      document.addEventListener(`live:${type}`, onEvent);
    });
    const seconds = Number(hook.dataset.liveEvery);
    if (seconds) window.setInterval(() => document.hidden || onEvent(), seconds * 1000);
    window.live.connect({ since: Number(hook.dataset.liveSeq) || undefined });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
