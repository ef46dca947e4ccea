// The touch popup. It reports through the server only, never to the window that opened it.
import { assert, ceremony, demoKey, post, sayer, supported } from "./key.js";

const READY_AFTER_MS = 1000; // a double click aimed at something else must not confirm
const place = document.getElementById("ceremony");
const words = place.dataset;
const say = sayer(document.getElementById("said"));
const touchButton = document.getElementById("touch");
const demoButton = document.getElementById("demo");
const cancelButton = document.getElementById("cancel");
const secondButton = document.getElementById("second");
const appForm = document.getElementById("by-app");
const confirming = [touchButton, demoButton, secondButton, document.getElementById("app-go")].filter(Boolean);
const reason = document.getElementById("reason");
const read = document.getElementById("read");
const address = `/api/acts/${encodeURIComponent(words.act)}`;
const deadline = performance.now() + Number(words.seconds) * 1000;
let over = false;
let busy = false;
let warned = false;

const ready = () => {
  if (over || busy) return;
  confirming.forEach((button) => (button.disabled = true));
  setTimeout(() => {
    if (!over && !busy && document.visibilityState === "visible") confirming.forEach((button) => (button.disabled = false));
  }, READY_AFTER_MS);
};

const end = (state) => {
  if (over) return;
  over = true;
  document.getElementById("ask").hidden = true;
  document.getElementById("clock").hidden = true;
  const shown = document.getElementById(state);
  shown.hidden = false;
  shown.focus();
  if (state === "expired") return;
  if (words.popup) setTimeout(() => window.close(), state === "confirmed" ? 1200 : 4000);
};

/** Blanks are no reason: what counts is what the server counts. */
const given = (field) => (field === read ? field.checked : field.value.trim().length >= field.minLength);

/** True when what the act asks for beside the key was given; else the person is led to it. */
const said = () => {
  const open = [reason, read].find((field) => field && !given(field));
  if (!open) return true;
  open.focus();
  say(open === reason ? words.reason : words.read, "bad");
  return false;
};

const run = async (touch) => {
  if (!said()) return;
  busy = true;
  confirming.forEach((button) => (button.disabled = true));
  const done = await ceremony({
    place,
    say,
    touch,
    begin: () => post(`${address}/begin`, { reason: reason?.value ?? null, read: read?.checked ?? false }),
    complete: (begun, response) => post(`${address}/complete`, { response }),
  });
  busy = false;
  if (done) end(done.state);
  else if (!(await look())) ready();
};

/** True when the act is over: confirmed elsewhere, cancelled on the CRM's page, or out of time. */
const look = async () => {
  try {
    const answer = await fetch(address, { cache: "no-store", credentials: "same-origin" });
    const { state } = answer.ok ? await answer.json() : { state: answer.status === 404 ? "expired" : "open" };
    if (state === "open") return false;
    end(state === "used" ? "confirmed" : state);
    return true;
  } catch {
    return false;
  }
};

const tick = () => {
  if (over) return;
  const seconds = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
  document.getElementById("clock").textContent = `${words.left} ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds <= 30 && !warned && !busy) {
    warned = true;
    say(words.soon, "");
  }
  if (seconds === 0) look().then((ended) => ended || end("expired"));
  else setTimeout(tick, 250);
};

const watch = async () => {
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    if (!busy && !over) await look();
  }
};

/** The code of the app takes the place of the touch; what the act asks for beside it is asked for all the same. */
const byApp = async () => {
  if (!said()) return;
  busy = true;
  confirming.forEach((button) => (button.disabled = true));
  const field = document.getElementById("app-code");
  try {
    const { ok, body } = await post(`${address}/code`, { code: field.value, reason: reason?.value ?? null, read: read?.checked ?? false });
    busy = false;
    if (ok) return end(body.state === "asked" ? "asked" : "confirmed");
    say(words.wrong, "bad");
    field.value = "";
  } catch {
    say(words.failed, "bad");
  }
  busy = false;
  if (!(await look())) ready();
};

/** Shows the code that leads to this act on another device; the page waits for what happens there. */
const elsewhere = async () => {
  try {
    const { ok, body } = await post(`${address}/second`, {});
    if (!ok) return (await look()) || say(words.failed, "bad");
    document.getElementById("road").textContent = body.code;
    document.getElementById("elsewhere").hidden = false;
    say(words.elsewhere, "");
  } catch {
    say(words.failed, "bad");
  }
};

appForm?.addEventListener("submit", (event) => {
  event.preventDefault();
  byApp();
});
secondButton?.addEventListener("click", elsewhere);
touchButton.addEventListener("click", () => (supported() ? run(assert) : say(words.unsupported, "bad")));
demoButton?.addEventListener("click", () => run((options) => demoKey("get", options)));
cancelButton.addEventListener("click", async () => {
  cancelButton.disabled = true;
  try {
    const { ok } = await post(`${address}/cancel`, {});
    if (ok || (await look())) end("cancelled");
    else throw new Error("not cancelled");
  } catch {
    say(words.failed, "bad");
    cancelButton.disabled = false;
  }
});
cancelButton.disabled = false; // a click before this script was there would do nothing
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ready());
if (!supported()) say(words.unsupported, "");
ready();
tick();
watch();
