// Yes or no to somebody's request, or a request of one's own, each with the own key. Looking at the page answers nothing.
import { assert, ceremony, demoKey, post, sayer, supported } from "./key.js";

const READY_AFTER_MS = 1000; // a double click aimed at something else must not answer
const place = document.getElementById("ceremony");
const words = place.dataset;
const say = sayer(document.getElementById("said"));
const why = document.getElementById("why");
const buttons = [...place.querySelectorAll("button")];
const address = `/api/approvals/${encodeURIComponent(words.request)}`;
let busy = false;

const ready = () => {
  if (busy) return;
  buttons.forEach((button) => (button.disabled = true));
  setTimeout(() => {
    if (!busy && document.visibilityState === "visible") buttons.forEach((button) => (button.disabled = false));
  }, READY_AFTER_MS);
};

const run = async (yes, touch) => {
  busy = true;
  buttons.forEach((button) => (button.disabled = true));
  const done = await ceremony({
    place,
    say,
    touch,
    begin: () =>
      words.asks ? post(`${address}/ask/begin`, { csrf: words.csrf }) : post(`${address}/begin`, { csrf: words.csrf, yes, why: yes ? null : why.value || null }),
    complete: (begun, response) => post(`${address}${words.asks ? "/ask" : ""}/complete`, { csrf: words.csrf, response }),
  });
  busy = false;
  if (done) location.reload();
  else ready();
};

for (const button of buttons) {
  button.addEventListener("click", (event) => {
    if (!event.isTrusted && !("demo" in button.dataset)) return; // no script of somebody else's presses it
    const yes = button.dataset.answer === "yes";
    if ("demo" in button.dataset) run(yes, (options) => demoKey("get", options));
    else if (supported()) run(yes, assert);
    else say(words.unsupported, "bad");
  });
}
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ready());
ready();
