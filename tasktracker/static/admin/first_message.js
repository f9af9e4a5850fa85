/* A source's page waits for its first message; without scripts a reload tells. */
(() => {
  "use strict";

  const PAUSE = 3000; // ms between two questions
  const panel = document.getElementById("first-message");
  if (!panel) return;

  async function ask() {
    if (!document.hidden) {
      try {
        const answer = await fetch(panel.dataset.address);
        const told = answer.ok && !answer.redirected ? await answer.json() : {};
        const waits = panel.querySelector("[data-waits]");
        if (waits) waits.hidden = !told.waits;
        if (told.is_seen) {
          panel.querySelector("[data-waiting]").hidden = true;
          panel.querySelector("[data-seen]").hidden = false;
          return;
        }
        if (answer.status === 404 || answer.redirected) return; // gone, or signed out
      } catch {
        // the server restarts: ask again
      }
    }
    setTimeout(ask, PAUSE);
  }

  setTimeout(ask, PAUSE);
})();
