/* An import's page follows how far it is; without scripts it is loaded again. A file that is too large is not sent. */
(() => {
  "use strict";

  const EVERY = 2000; // ms between two looks

  async function look() {
    const old = document.getElementById("import-progress");
    if (!old?.hasAttribute("data-running")) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("import-progress");
        if (fresh && !fresh.hasAttribute("data-running")) {
          location.reload(); // the fields below have an end as well
          return;
        }
        const had = old.contains(document.activeElement);
        if (fresh) old.replaceWith(fresh);
        if (had) fresh?.querySelector("button")?.focus();
      }
    } catch {
      // the next look tries again
    }
    setTimeout(look, EVERY);
  }

  function watchForm() {
    const note = document.getElementById("upload");
    const field = document.querySelector("input[type=file][name=upload]");
    if (!note || !field?.form) return;
    const tell = (text) => {
      note.textContent = text;
      note.hidden = !text;
    };
    const isTooLarge = () => (field.files[0]?.size ?? 0) > Number(note.dataset.limit);
    field.addEventListener("change", () => tell(isTooLarge() ? note.dataset.tooLarge : ""));
    field.form.addEventListener("submit", (event) => {
      if (isTooLarge()) {
        event.preventDefault();
        tell(note.dataset.tooLarge);
        note.scrollIntoView();
      } else if (field.files.length) {
        tell(note.dataset.uploading);
      }
    });
  }

  setTimeout(look, EVERY);
  watchForm();
})();
