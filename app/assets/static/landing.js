"use strict";
// The first page: commands to copy, and the state of the deployment as it changes.
(() => {
  const EVERY = 15_000; // milliseconds between two looks
  const status = document.getElementById("status");

  async function look() {
    if (document.hidden) return;
    let state = "unknown", words = "Not reached from here just now";
    try {
      const answer = await fetch("/health/ready", { cache: "no-store" });
      state = answer.ok ? "up" : "down";
      words = answer.ok ? "Ready" : "Not ready: the database does not answer";
    } catch { /* said above */ }
    if (status.dataset.state !== state) {
      status.dataset.state = state;
      status.textContent = words;
    }
  }
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const shown = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(shown.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(shown);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2_000);
    });
  }
})();
