/* The preview of a sample follows what is typed; without scripts its button does the same. */
(() => {
  "use strict";

  const PAUSE = 400; // ms after the last key
  const sample = document.getElementById("sample");
  const place = document.getElementById("preview");
  const button = document.querySelector("button[name=_preview]");
  const form = sample?.form;
  if (!form || !place || !button) return;

  let waiting = 0;
  let asked = null;

  async function show() {
    clearTimeout(waiting);
    asked?.abort();
    if (isTooLong()) {
      warn(sample.dataset.tooLong);
      return;
    }
    const question = (asked = new AbortController());
    const data = new FormData(form);
    data.set("_preview", "1");
    // The page keeps what is typed into it, so the secret need not travel for a preview.
    form.querySelectorAll("input[type=password]").forEach((field) => data.set(field.name, ""));
    try {
      const answer = await fetch(location.pathname, {
        method: "POST",
        body: data,
        signal: question.signal,
      });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const told = page.getElementById("preview");
      if (!answer.ok || !told) throw new Error(`no preview: ${answer.status}`);
      place.replaceChildren(...told.childNodes);
    } catch (error) {
      if (error.name !== "AbortError") warn(place.dataset.failed);
    }
  }

  function warn(sentence) {
    const note = document.createElement("p");
    note.className = "warning-note";
    note.textContent = sentence;
    place.replaceChildren(note);
  }

  function isTooLong() {
    return sample.value.length > Number(sample.dataset.longest);
  }

  // Settings are saved whatever was pasted, and a server reads no more than a megabyte of a form.
  form.addEventListener("formdata", (event) => {
    if (isTooLong()) event.formData.delete("sample");
  });
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    if (sample.value.trim()) waiting = setTimeout(show, PAUSE);
  });
  button.addEventListener("click", (event) => {
    event.preventDefault();
    show();
  });
})();
