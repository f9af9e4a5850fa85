/* A slider beside each threshold; without scripts the numbers alone do the same. */
(() => {
  "use strict";

  document.querySelectorAll("input[data-slider]").forEach((number) => {
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = "0";
    slider.max = "1";
    slider.step = "0.005";
    slider.value = number.value;
    slider.setAttribute("aria-label", number.dataset.slider);
    slider.addEventListener("input", () => {
      number.value = slider.value;
    });
    number.addEventListener("input", () => {
      slider.value = number.value;
    });
    number.after(slider);
  });

  // Another project has other thresholds.
  document.querySelector("select[data-reload]")?.addEventListener("change", (event) => {
    location.search = new URLSearchParams({ project: event.target.value }).toString();
  });
})();
