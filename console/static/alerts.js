// Keeps the list of alerts up to date without a reload. Without this script, reloading does.
const place = document.getElementById("live");
const state = document.getElementById("state");
const told = document.getElementById("told");
let revision = place.dataset.revision;
let failures = 0;

const show = (on) => {
  state.hidden = false;
  state.className = on ? "live" : "live off";
  state.textContent = on ? place.dataset.on : place.dataset.off;
};

const reload = async () => {
  const answer = await fetch(location.pathname, { credentials: "same-origin", cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = new Map([...document.querySelectorAll("[data-id]")].map((row) => [row.dataset.id, row.dataset.revision]));
  const focused = document.activeElement && document.activeElement.closest("[data-id]");
  const lists = fresh.getElementById("lists");
  for (const row of lists.querySelectorAll("[data-id]")) {
    if (before.get(row.dataset.id) !== row.dataset.revision) row.classList.add("fresh");
  }
  document.getElementById("lists").replaceWith(document.adoptNode(lists));
  document.title = fresh.title;
  if (focused) document.querySelector(`[data-id="${CSS.escape(focused.dataset.id)}"] a`)?.focus({ preventScroll: true });
  told.textContent = place.dataset.new;
};

const listen = async () => {
  for (;;) {
    try {
      const answer = await fetch(`/api/alerts?after=${encodeURIComponent(revision)}`, { credentials: "same-origin", cache: "no-store" });
      if (answer.status === 401 || answer.status === 403) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const now = String((await answer.json()).revision);
      failures = 0;
      show(true);
      if (now !== revision) {
        await reload();
        revision = now;
      }
    } catch {
      failures += 1;
      show(false);
      await new Promise((resolve) => setTimeout(resolve, Math.min(15000, 1000 * 2 ** Math.min(failures, 4))));
    }
  }
};
show(true);
listen();
